import { FieldStore } from "@vmcslab/vmx";
import type { LoadedVmcsState } from "../api.js";

/** `cpu` of a VMCS that is active nowhere; KVM's -1. */
export const NOWHERE = -1;

/**
 * L0's record of one hardware VMCS: KVM's `struct loaded_vmcs`. One object per VMCS, pointed to and never copied (H19).
 */
export class LoadedVmcs {
  /** Where it was last loaded; NOWHERE: inactive everywhere. */
  cpu: number = NOWHERE;
  /** Entered since its last VMCLEAR. Says nothing about being active, nor about being current. */
  launched = false;
  /** Counts activations; a write-back with another epoch is refused. */
  epoch = 0;
  /** The operation that activated it under this epoch. */
  activatedBy = 0;
  /**
   * A VMCLEAR of it was decided and its end is not known: it may be active on `cpu`, or flushed there. Until the same clear has been answered it is loaded nowhere, not
   * even where it was.
   */
  clearInDoubt = false;
  /** A batch with VMWRITEs to it stopped before them: what L0 knows of it and what it holds differ until all is written again. */
  missesWrites = false;
  /** Its first VMCLEAR was decided, and nothing says that it was not executed (H1). */
  initialised = false;
  /** Freed: must not be touched again. */
  freed = false;
  /** What memory holds: the fields as of the last VMCLEAR. Stale while the VMCS is active. */
  readonly home = new FieldStore();
  /** What L0 wrote and learned of it, from which it is rebuilt when the CPU that cached it is gone. */
  readonly known = new FieldStore();

  constructor(
    /** Identity, never reused, unlike the address (H18). */
    readonly id: number,
    /** Host-physical address of the 4-KiB region. */
    readonly region: number,
    readonly role: "vmcs01" | "vmcs02",
    readonly vcpu: number,
  ) {}

  get isActive(): boolean {
    return this.cpu !== NOWHERE;
  }

  state(): LoadedVmcsState {
    return { vmcs: this.id, region: this.region, cpu: this.cpu, launched: this.launched };
  }
}
