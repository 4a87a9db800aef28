import type { HistoryEvent } from "../event.js";
import type { Checker } from "./checker.js";
import type { HostView } from "./view/host-view.js";
import type { VmcsView } from "./view/vmcs-directory.js";
import { nameVmcs, type Report } from "./violation.js";

/**
 * Invariant 7: after VMXOFF, or when a vcpu is destroyed, none of its vmcs02s is active anywhere or still allocated; after its destruction its vmcs01
 * neither. Judged when the operation that did it ends, so that it does not matter whether L0 says so before or after the last page is freed.
 */
export class NothingOutlives implements Checker {
  readonly kinds = ["vcpu.destroyed", "l1.instruction", "op.end"] as const;
  /** Ends of a vcpu, or of its VMX operation, whose operation is still open. */
  readonly #pending = new Map<number, HistoryEvent>();

  constructor(
    private readonly view: HostView,
    private readonly report: Report,
  ) {}

  observe(event: HistoryEvent): void {
    if (event.kind === "op.end") {
      const pending = this.#pending.get(event.operation);
      this.#pending.delete(event.operation);
      if (pending !== undefined) this.#judge(pending);
    } else if (event.kind === "vcpu.destroyed" || (event.instruction === "vmxoff" && event.status === "succeed")) {
      if (event.operation === 0) this.#judge(event);
      else this.#pending.set(event.operation, event);
    }
  }

  finish(complete: boolean): void {
    if (complete) for (const event of this.#pending.values()) this.#judge(event);
    this.#pending.clear();
  }

  forgetL0(): void {
    this.#pending.clear();
  }

  #judge(event: HistoryEvent): void {
    if (event.vcpu === undefined) return;
    for (const vmcs of this.view.vmcss.of(event.vcpu)) {
      if (event.kind === "vcpu.destroyed" || vmcs.role === "vmcs02") this.#judgeVmcs(vmcs, event);
    }
  }

  #judgeVmcs(vmcs: VmcsView, event: HistoryEvent): void {
    const after =
      event.kind === "vcpu.destroyed" ? `vcpu ${event.vcpu} was destroyed` : `L1 on vcpu ${event.vcpu} executed VMXOFF`;
    const name = `${vmcs.role ?? "a"} ${nameVmcs(vmcs.vmcs, vmcs.region)}`;
    const [active] = this.view.activitiesOf(vmcs);
    if (active !== undefined) {
      const message = `${name} is active on CPU ${active.cpu} after ${after}`;
      this.report("outlives-active", { message, vmcs: vmcs.vmcs, cpus: [active.cpu], events: [active.loaded, event] });
      return;
    }
    const message = `${name} is allocated after ${after}`;
    this.report("outlives-allocated", { message, vmcs: vmcs.vmcs, cpus: [], events: [vmcs.allocated, event] });
  }
}
