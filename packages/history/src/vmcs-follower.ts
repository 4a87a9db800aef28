import type { HistoryEvent } from "./event.js";

/**
 * Which events are about one VMCS: those that name its identity, and those of CPUs, which know addresses only, while its address is its own. Is shown the whole history, in
 * order.
 */
export class VmcsFollower {
  #region: number | undefined;

  /** `vmcs`: its identity. */
  constructor(private readonly vmcs: number) {}

  takes({ kind, vmcs, region }: HistoryEvent): boolean {
    if (vmcs === undefined) return region !== undefined && region === this.#region;
    if (vmcs !== this.vmcs) return false;
    if (kind === "vmcs.allocated") this.#region = region;
    if (kind === "vmcs.freed") this.#region = undefined;
    return true;
  }
}
