/** What to call the VMCS at an address: its identity and role while L0 has it allocated. */
import type { HistoryEvent } from "../event.js";

export class VmcsNames {
  readonly #names = new Map<string, string>();

  observe({ kind, host, region, vmcs, role }: HistoryEvent): void {
    const key = `${host}/${region}`;
    if (kind === "vmcs.allocated" || kind === "vmcs.restored") this.#names.set(key, `${role ?? "vmcs"} ${vmcs}`);
    if (kind === "vmcs.freed") this.#names.delete(key);
  }

  nameOf({ host, region = 0 }: HistoryEvent): string {
    return this.#names.get(`${host}/${region}`) ?? `vmcs at 0x${region.toString(16)}`;
  }
}
