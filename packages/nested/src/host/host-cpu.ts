import type { LoadedVmcs } from "./loaded-vmcs.js";

/** What L0 keeps per CPU: KVM's per-CPU `current_vmcs` and `loaded_vmcss_on_cpu`, and which vcpu is in its guest there. */
export class HostCpu {
  /** `going`: being taken offline; nothing may be loaded any more. */
  state: "offline" | "online" | "going" = "offline";
  /** Which life of the CPU service this is; its caches did not survive the last one. */
  incarnation = 0;
  /** VMXON region, host-physical; undefined before the CPU first came up. */
  vmxonRegion: number | undefined;
  /** The VMCS that L0's batches made current, as of the last batch decided. */
  current: LoadedVmcs | undefined;
  /** VMCSs active here. */
  readonly loaded = new Set<LoadedVmcs>();
  /** The vcpu that is in its guest on this CPU, as of the last batch decided. */
  running: number | undefined;

  constructor(readonly number: number) {}
}
