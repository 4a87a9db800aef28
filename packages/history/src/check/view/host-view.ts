import type { HistoryEvent } from "../../event.js";
import type { Activity } from "./activity.js";
import { CpuView } from "./cpu-view.js";
import { VmcsDirectory, type VmcsView } from "./vmcs-directory.js";

/**
 * What a host's events imply so far: what is active, current and launched on which CPU, and which VMCS owns which page. The checkers compare every
 * event with it, and then it takes the event's word, so that one mistake is reported once.
 */
export class HostView {
  readonly vmcss = new VmcsDirectory();
  readonly #cpus = new Map<number, CpuView>();
  readonly #byRegion = new Map<number, Activity[]>();

  cpu(cpu: number): CpuView {
    let view = this.#cpus.get(cpu);
    if (view === undefined) {
      view = new CpuView(cpu);
      this.#cpus.set(cpu, view);
    }
    return view;
  }

  /** Where this region is active: on one CPU at most, unless something is wrong. */
  activities(region: number): readonly Activity[] {
    return this.#byRegion.get(region) ?? [];
  }

  activity(cpu: number, region: number): Activity | undefined {
    return this.#cpus.get(cpu)?.active.get(region);
  }

  identity(region: number): number | undefined {
    return this.vmcss.at(region)?.vmcs;
  }

  /** Where this very VMCS is active. */
  activitiesOf({ vmcs, region }: Pick<VmcsView, "vmcs" | "region">): readonly Activity[] {
    return this.activities(region).filter((activity) => activity.vmcs === undefined || activity.vmcs === vmcs);
  }

  apply(event: HistoryEvent): void {
    switch (event.kind) {
      case "vmcs.allocated":
      case "vmcs.restored":
        this.vmcss.allocated(event);
        break;
      case "vmcs.freed":
        this.vmcss.freed(event);
        break;
      case "cpu.registered":
      case "cpu.lost":
      case "cpu.offline":
        if (event.cpu !== undefined) this.#applyLife(event.cpu, event);
        break;
      case "cpu.fenced":
        // What it held is gone with cpu.lost, which follows; but from here on nothing that this life does counts.
        if (event.cpu !== undefined && this.cpu(event.cpu).isSameLife(event.epoch)) this.cpu(event.cpu).over();
        break;
      default:
        if (event.cpu !== undefined) this.#applyExecution(event.cpu, event);
    }
  }

  /** Everything this CPU holds is no longer known. */
  forgetCpu(cpu: number): void {
    this.#empty(cpu);
    this.cpu(cpu).known = false;
  }

  forgetL0(): void {
    this.vmcss.clear();
  }

  #applyLife(cpu: number, event: HistoryEvent): void {
    const view = this.cpu(cpu);
    if (event.kind === "cpu.registered" && view.isSameLife(event.epoch)) return;
    view.endedUnnoticed = false;
    this.#empty(cpu);
    if (event.kind === "cpu.registered") view.lives(event.epoch);
    if (event.kind === "cpu.lost") view.over();
    view.makeCurrent(undefined, event);
    // Whatever was there is gone, and a new life starts with nothing.
    view.known = true;
  }

  #applyExecution(cpu: number, event: HistoryEvent): void {
    const { kind, region } = event;
    if (kind === "vmx.on" || kind === "vmx.off" || kind === "lease.expired") this.#applyVmxOperation(cpu, event);
    else if (region === undefined) return;
    else if (kind === "vmcs.load") this.#load(cpu, region, event);
    else if (kind === "vmcs.clear") this.#clear(cpu, region, event);
    else if (kind === "vmcs.write" || kind === "vm.entry" || kind === "vm.exit") this.#use(cpu, region, event);
  }

  #applyVmxOperation(cpu: number, event: HistoryEvent): void {
    this.#empty(cpu);
    const view = this.cpu(cpu);
    view.makeCurrent(undefined, event);
    view.known = true;
    if (event.kind !== "lease.expired") return;
    view.over();
    view.endedUnnoticed = true;
  }

  #load(cpu: number, region: number, event: HistoryEvent): void {
    const here = this.activity(cpu, region);
    if (event.activated === true || here === undefined || !this.#isCurrentOwner(here))
      this.#activate(cpu, region, event);
    this.cpu(cpu).makeCurrent(region, event);
  }

  #isCurrentOwner(activity: Activity): boolean {
    return activity.vmcs === undefined || activity.vmcs === this.identity(activity.region);
  }

  #activate(cpu: number, region: number, event: HistoryEvent): Activity {
    this.#deactivate(cpu, region);
    const launched = event.kind === "vm.entry" || event.launched === true;
    const vmcs = this.identity(region);
    const activity = {
      cpu,
      region,
      vmcs,
      epoch: event.epoch,
      loaded: event,
      launched,
      launchedBy: event,
      changed: undefined,
    };
    this.cpu(cpu).active.set(region, activity);
    const elsewhere = this.#byRegion.get(region);
    if (elsewhere === undefined) this.#byRegion.set(region, [activity]);
    else elsewhere.push(activity);
    return activity;
  }

  #clear(cpu: number, region: number, event: HistoryEvent): void {
    const view = this.cpu(cpu);
    this.#deactivate(cpu, region);
    if (view.current === region) view.makeCurrent(undefined, event);
  }

  #use(cpu: number, region: number, event: HistoryEvent): void {
    const activity = this.activity(cpu, region) ?? this.#activate(cpu, region, event);
    if (this.cpu(cpu).current !== region) this.cpu(cpu).makeCurrent(region, event);
    activity.changed = event;
    if (event.kind !== "vm.entry" || activity.launched) return;
    activity.launched = true;
    activity.launchedBy = event;
  }

  #deactivate(cpu: number, region: number): void {
    this.cpu(cpu).active.delete(region);
    const remaining = this.activities(region).filter((activity) => activity.cpu !== cpu);
    if (remaining.length > 0) this.#byRegion.set(region, remaining);
    else this.#byRegion.delete(region);
  }

  #empty(cpu: number): void {
    const view = this.cpu(cpu);
    for (const region of [...view.active.keys()]) this.#deactivate(cpu, region);
    view.current = undefined;
    view.currentBy = undefined;
  }
}
