import type { HistoryEvent } from "../event.js";
import type { Checker } from "./checker.js";
import type { Activity } from "./view/activity.js";
import { isOf } from "./view/activity.js";
import type { HostView } from "./view/host-view.js";
import { nameVmcs, type Report } from "./violation.js";

/** Invariant 3: a VMCS region is never freed or reused while active on any CPU: the processor may write it back into somebody else's page. */
export class FreedInactive implements Checker {
  readonly kinds = ["vmcs.freed", "vmcs.allocated", "vmcs.load"] as const;

  constructor(
    private readonly view: HostView,
    private readonly report: Report,
  ) {}

  observe(event: HistoryEvent): void {
    const { region } = event;
    if (region === undefined) return;
    if (event.kind === "vmcs.freed") this.#checkFreed(region, event);
    else if (event.kind === "vmcs.allocated") this.#checkAllocated(region, event);
    else this.#checkLoaded(region, event);
  }

  #checkFreed(region: number, freed: HistoryEvent): void {
    for (const activity of this.view.activities(region)) {
      if (isOf(activity, freed.vmcs)) this.#find("freed-active", "freed", activity, freed);
    }
  }

  #checkAllocated(region: number, allocated: HistoryEvent): void {
    const owner = this.view.vmcss.at(region);
    if (owner !== undefined) {
      this.report("allocated-twice", {
        message: `the region of ${nameVmcs(owner.vmcs, region)} is allocated again, for VMCS ${allocated.vmcs}, and was not freed`,
        vmcs: owner.vmcs,
        cpus: [],
        events: [owner.allocated, allocated],
      });
    }
    // Freed while active: that was the mistake, and it was reported.
    if (this.view.vmcss.freedBy(region) !== undefined) return;
    for (const activity of this.view.activities(region))
      this.#find("allocated-active", "allocated again", activity, allocated);
  }

  #checkLoaded(region: number, load: HistoryEvent): void {
    const freed = this.view.vmcss.freedBy(region);
    if (freed === undefined || load.cpu === undefined) return;
    this.report("loaded-freed", {
      message: `the freed region 0x${region.toString(16)} is loaded on CPU ${load.cpu}`,
      ...(freed.vmcs === undefined ? {} : { vmcs: freed.vmcs }),
      cpus: [load.cpu],
      events: [freed, load],
    });
  }

  #find(
    rule: "freed-active" | "allocated-active",
    what: string,
    { cpu, region, loaded, vmcs }: Activity,
    event: HistoryEvent,
  ): void {
    this.report(rule, {
      message: `the region of ${nameVmcs(vmcs, region)} is ${what} while it is active on CPU ${cpu}`,
      ...(vmcs === undefined ? {} : { vmcs }),
      cpus: [cpu],
      events: [loaded, event],
    });
  }
}
