import type { HistoryEvent } from "../event.js";
import type { Checker } from "./checker.js";
import { isOf } from "./view/activity.js";
import type { HostView } from "./view/host-view.js";
import { nameVmcs, type Report } from "./violation.js";

/** Invariant 1: a VMCS is active on at most one CPU. SDM 24.11.1: software must VMCLEAR it on the one before VMPTRLD on the other. */
export class ActiveOnce implements Checker {
  readonly kinds = ["vmcs.load"] as const;

  constructor(
    private readonly view: HostView,
    private readonly report: Report,
  ) {}

  observe(load: HistoryEvent): void {
    const { cpu, region } = load;
    if (cpu === undefined || region === undefined) return;
    // Current again where it is: the load that made it active was judged.
    if (load.activated !== true && this.view.activity(cpu, region) !== undefined) return;
    const vmcs = this.view.identity(region);
    for (const other of this.view.activities(region)) {
      if (other.cpu === cpu || !isOf(other, vmcs)) continue;
      this.report("active-twice", {
        message: `${nameVmcs(vmcs, region)} is loaded on CPU ${cpu} while it is active on CPU ${other.cpu}`,
        ...(vmcs === undefined ? {} : { vmcs }),
        cpus: [other.cpu, cpu],
        events: [other.loaded, load],
      });
    }
  }
}
