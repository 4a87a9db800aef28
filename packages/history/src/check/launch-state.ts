import type { HistoryEvent } from "../event.js";
import type { Checker } from "./checker.js";
import type { Rule } from "./rules.js";
import type { HostView } from "./view/host-view.js";
import { contradiction, nameVmcs, type Report } from "./violation.js";

/** VM-instruction errors of SDM 30.4 that mean: the wrong one of the two instructions. */
const REFUSED = new Map([
  ["vmlaunch", 4],
  ["vmresume", 5],
]);

/**
 * Invariant 2: L0 enters with VMLAUNCH exactly when the VMCS is clear on that CPU, with VMRESUME exactly when it is launched. The launch state
 * follows from the CPU's own events: VMCLEAR makes it clear, a VMLAUNCH that reaches the guest makes it launched, nothing else changes it.
 */
export class LaunchState implements Checker {
  readonly kinds = ["vm.entry", "vm.fail", "vmcs.load", "vmcs.clear", "vmcs.allocated", "vmcs.freed"] as const;
  /** Regions whose launch state in memory is clear, by the VMCLEAR that made it so. */
  readonly #clearedBy = new Map<number, HistoryEvent>();

  constructor(
    private readonly view: HostView,
    private readonly report: Report,
  ) {}

  observe(event: HistoryEvent): void {
    const { cpu, region } = event;
    if (region === undefined) return;
    if (event.kind === "vmcs.freed" || event.kind === "vmcs.allocated") this.#clearedBy.delete(region);
    else if (cpu === undefined) return;
    else if (event.kind === "vm.entry") this.#checkEntry(cpu, region, event);
    else if (event.kind === "vm.fail") this.#checkRefusal(cpu, region, event);
    else if (event.kind === "vmcs.load") this.#checkLoad(cpu, region, event);
    else this.#checkClear(cpu, region, event);
  }

  forgetCpu(): void {
    this.#clearedBy.clear();
  }

  #checkEntry(cpu: number, region: number, entry: HistoryEvent): void {
    const view = this.view.cpu(cpu);
    if (view.current !== region) {
      if (view.known) this.#find("entry-not-current", "entered, not being current,", view.currentBy, entry);
      return;
    }
    const activity = this.view.activity(cpu, region);
    if (activity === undefined) return;
    const launching = entry.instruction === "vmlaunch";
    if (launching && activity.launched)
      this.#find("launch-not-clear", "entered by VMLAUNCH though launched", activity.launchedBy, entry);
    if (!launching && !activity.launched)
      this.#find("resume-not-launched", "entered by VMRESUME though clear", activity.launchedBy, entry);
  }

  #checkRefusal(cpu: number, region: number, failure: HistoryEvent): void {
    const { instruction, status, error } = failure;
    if (
      status !== "failValid" ||
      instruction === undefined ||
      error === undefined ||
      REFUSED.get(instruction) !== error
    )
      return;
    const launchedBy = this.view.activity(cpu, region)?.launchedBy;
    this.#find("entry-refused", `refused ${instruction.toUpperCase()} (error ${error})`, launchedBy, failure);
  }

  #checkLoad(cpu: number, region: number, load: HistoryEvent): void {
    const activity = this.view.activity(cpu, region);
    if (load.activated !== true && activity !== undefined) {
      this.#expectLaunched(activity.launched, activity.launchedBy, load);
      return;
    }
    const clearedBy = this.#clearedBy.get(region);
    if (clearedBy !== undefined) this.#expectLaunched(false, clearedBy, load);
    this.#clearedBy.delete(region);
  }

  #checkClear(cpu: number, region: number, clear: HistoryEvent): void {
    const activity = this.view.activity(cpu, region);
    if (activity !== undefined && clear.active === true)
      this.#expectLaunched(activity.launched, activity.launchedBy, clear);
    this.#clearedBy.set(region, clear);
  }

  #expectLaunched(expected: boolean, because: HistoryEvent, event: HistoryEvent): void {
    if (event.launched === undefined || event.launched === expected) return;
    const states = event.launched ? "reported launched, and is clear" : "reported clear, and is launched";
    this.#find("launch-state", states, because, event);
  }

  #find(rule: Rule, what: string, earlier: HistoryEvent | undefined, event: HistoryEvent): void {
    const { cpu, region } = event;
    const vmcs = region === undefined ? undefined : this.view.identity(region);
    this.report(rule, {
      message: `${nameVmcs(vmcs, region)} is ${what} on CPU ${cpu}`,
      ...(vmcs === undefined ? {} : { vmcs }),
      cpus: cpu === undefined ? [] : [cpu],
      events: contradiction(earlier, event),
    });
  }
}
