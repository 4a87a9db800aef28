import type { HistoryEvent } from "../../event.js";

/** A hardware VMCS that L0 has allocated. */
export interface VmcsView {
  readonly vmcs: number;
  readonly region: number;
  readonly vcpu: number | undefined;
  readonly role: "vmcs01" | "vmcs02" | undefined;
  readonly allocated: HistoryEvent;
}

/** Which VMCS a page is: L0's allocations. An address may be used again, an identity never is. */
export class VmcsDirectory {
  readonly #byId = new Map<number, VmcsView>();
  readonly #byRegion = new Map<number, VmcsView>();
  readonly #byVcpu = new Map<number, Set<VmcsView>>();
  /** Pages that were freed and not handed out again, with the event that freed them. */
  readonly #freed = new Map<number, HistoryEvent>();

  byId(vmcs: number): VmcsView | undefined {
    return this.#byId.get(vmcs);
  }

  at(region: number): VmcsView | undefined {
    return this.#byRegion.get(region);
  }

  of(vcpu: number): Iterable<VmcsView> {
    return this.#byVcpu.get(vcpu) ?? [];
  }

  freedBy(region: number): HistoryEvent | undefined {
    return this.#freed.get(region);
  }

  allocated(event: HistoryEvent): void {
    const { vmcs, region, vcpu, role } = event;
    if (vmcs === undefined || region === undefined) return;
    const view = { vmcs, region, vcpu, role, allocated: event };
    this.#freed.delete(region);
    this.#byId.set(vmcs, view);
    this.#byRegion.set(region, view);
    if (vcpu === undefined) return;
    const owned = this.#byVcpu.get(vcpu) ?? new Set();
    owned.add(view);
    this.#byVcpu.set(vcpu, owned);
  }

  freed(event: HistoryEvent): void {
    const { vmcs, region } = event;
    if (vmcs === undefined || region === undefined) return;
    const view = this.#byId.get(vmcs);
    this.#freed.set(region, event);
    this.#byId.delete(vmcs);
    if (this.#byRegion.get(region)?.vmcs === vmcs) this.#byRegion.delete(region);
    if (view?.vcpu === undefined) return;
    const owned = this.#byVcpu.get(view.vcpu);
    owned?.delete(view);
    if (owned?.size === 0) this.#byVcpu.delete(view.vcpu);
  }

  clear(): void {
    this.#byId.clear();
    this.#byRegion.clear();
    this.#byVcpu.clear();
    this.#freed.clear();
  }
}
