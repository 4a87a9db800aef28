import type { HistoryEvent } from "../event.js";
import type { Checker } from "./checker.js";
import type { Rule } from "./rules.js";
import type { Activity } from "./view/activity.js";
import type { HostView } from "./view/host-view.js";
import { contradiction, nameVmcs, type Report } from "./violation.js";

/** What memory holds for one region. */
interface Home {
  /** The load or write-back whose digest memory has. */
  contents: HistoryEvent | undefined;
  /** Contents on a CPU were newer than memory, and ended with this event without being written back. */
  unflushed: HistoryEvent | undefined;
  /** L0 declared the contents lost and rebuilds them: the next load may read anything. */
  rebuilt: boolean;
  /** The latest activation. */
  activated: HistoryEvent | undefined;
}

/** Invariant 4: what is read after a load is what was last written, wherever it was written. */
export class NoLostUpdate implements Checker {
  readonly kinds = [
    ...(["vmcs.load", "vmcs.clear", "vmcs.write", "vmcs.lost", "vmcs.allocated", "vmcs.freed"] as const),
    ...(["vmx.on", "vmx.off", "lease.expired", "cpu.lost", "cpu.offline", "cpu.registered"] as const),
  ];
  readonly #homes = new Map<number, Home>();

  constructor(
    private readonly view: HostView,
    private readonly report: Report,
  ) {}

  observe(event: HistoryEvent): void {
    const { region, cpu } = event;
    if (region === undefined || event.kind === "vmx.on") {
      if (cpu !== undefined) this.#checkEnd(cpu, event);
    } else if (event.kind === "vmcs.allocated" || event.kind === "vmcs.freed") this.#homes.delete(region);
    else if (event.kind === "vmcs.lost") this.#home(region).rebuilt = true;
    else if (cpu === undefined) return;
    else if (event.kind === "vmcs.load") this.#checkLoad(cpu, region, event);
    else if (event.kind === "vmcs.clear") this.#checkClear(cpu, region, event);
    else this.#checkWrite(cpu, region, event);
  }

  /** A write-back may have been missed, of any VMCS. What L0 declared lost it rebuilds all the same. */
  forgetCpu(): void {
    for (const home of this.#homes.values()) {
      home.contents = undefined;
      home.unflushed = undefined;
      home.activated = undefined;
    }
  }

  forgetL0(): void {
    this.#homes.clear();
  }

  /** Everything active on this CPU ends without a write-back. */
  #checkEnd(cpu: number, event: HistoryEvent): void {
    const view = this.view.cpu(cpu);
    if (event.kind === "cpu.registered" && view.isSameLife(event.epoch)) return;
    // L0's own VMXOFF, as opposed to a reset: what is active then need not ever reach memory (SDM 24.11.1).
    const isInstruction = event.kind === "vmx.off" && event.operation !== 0;
    for (const activity of view.active.values()) {
      if (isInstruction && this.#isOwner(activity.vmcs, activity.region)) this.#findActiveAtVmxoff(activity, event);
      this.#endUnflushed(activity, event);
    }
  }

  #findActiveAtVmxoff({ cpu, region, vmcs, loaded }: Activity, off: HistoryEvent): void {
    this.report("vmxoff-active", {
      message: `${nameVmcs(vmcs, region)} is active on CPU ${cpu} when it executes VMXOFF`,
      ...(vmcs === undefined ? {} : { vmcs }),
      cpus: [cpu],
      events: contradiction(loaded, off),
    });
  }

  #endUnflushed({ region, changed, vmcs }: Activity, event: HistoryEvent): void {
    if (changed !== undefined && this.#isOwner(vmcs, region)) this.#home(region).unflushed = event;
  }

  #checkLoad(cpu: number, region: number, load: HistoryEvent): void {
    const here = this.view.activity(cpu, region);
    const isHere = here !== undefined && this.#isOwner(here.vmcs, region);
    if (load.activated !== true) {
      if (isHere) this.#expectEpoch(here, load);
      else if (this.view.cpu(cpu).known)
        this.#find("not-read", "made current without being read, and was not active,", here?.loaded, load);
      return;
    }
    if (isHere) this.#find("read-again", "read from memory again while active", here.loaded, load);
    const home = this.#home(region);
    // A VMCS that is still active somewhere is invariant 1's to report, or was just reported; its memory is stale by nature.
    if (!home.rebuilt && !this.view.activities(region).some((activity) => this.#isOwner(activity.vmcs, region)))
      this.#checkContents(home, load);
    this.#expectRaisedEpoch(home.activated, load);
    this.#homes.set(region, { contents: load, unflushed: undefined, rebuilt: false, activated: load });
  }

  #checkContents(home: Home, load: HistoryEvent): void {
    const written = home.contents;
    if (home.unflushed !== undefined) {
      this.#find("lost-update", "loaded after its newest contents were lost unflushed,", home.unflushed, load);
    } else if (written?.digest !== undefined && load.digest !== undefined && written.digest !== load.digest) {
      const digests = `${hex(load.digest)} instead of ${hex(written.digest)}`;
      this.#find("stale-load", `read as ${digests}`, written, load);
    }
  }

  #checkClear(cpu: number, region: number, clear: HistoryEvent): void {
    const activity = this.view.activity(cpu, region);
    if (clear.active !== true) {
      // The CPU says that nothing was active: then nothing was written back either.
      if (activity !== undefined) this.#endUnflushed(activity, clear);
      return;
    }
    if (activity !== undefined) this.#expectEpoch(activity, clear);
    if (activity !== undefined && !this.#isOwner(activity.vmcs, region)) return;
    const home = this.#home(region);
    // Written back by a CPU that had been given up by then: L0 does not take it, and rebuilds all the same.
    if (home.rebuilt) return;
    home.contents = clear;
    home.unflushed = undefined;
  }

  #checkWrite(cpu: number, region: number, write: HistoryEvent): void {
    const view = this.view.cpu(cpu);
    if (view.current === region || !view.known) return;
    this.#find("write-not-current", "written, not being current,", view.currentBy, write);
  }

  #expectEpoch(activity: Activity, event: HistoryEvent): void {
    // Instructions by hand carry no epoch, or 0.
    if (!event.epoch || !activity.epoch || event.epoch === activity.epoch) return;
    const epochs = `under epoch ${event.epoch} instead of ${activity.epoch}`;
    this.#find(
      "wrong-epoch",
      `${event.kind === "vmcs.clear" ? "written back" : "loaded"} ${epochs}`,
      activity.loaded,
      event,
    );
  }

  #expectRaisedEpoch(before: HistoryEvent | undefined, load: HistoryEvent): void {
    if (!load.epoch || !before?.epoch || load.epoch > before.epoch) return;
    this.#find("epoch-not-raised", `activated under epoch ${load.epoch} after ${before.epoch}`, before, load);
  }

  #find(rule: Rule, what: string, earlier: HistoryEvent | undefined, event: HistoryEvent): void {
    const { cpu, region } = event;
    const vmcs = region === undefined ? undefined : this.view.identity(region);
    const cpus = [earlier?.cpu, cpu].filter((number) => number !== undefined);
    this.report(rule, {
      message: `${nameVmcs(vmcs, region)} is ${what} on CPU ${cpu}`,
      ...(vmcs === undefined ? {} : { vmcs }),
      cpus: [...new Set(cpus)],
      events: contradiction(earlier, event),
    });
  }

  /** Not of an earlier VMCS at this address. */
  #isOwner(vmcs: number | undefined, region: number): boolean {
    const owner = this.view.identity(region);
    return vmcs === undefined || owner === undefined || vmcs === owner;
  }

  #home(region: number): Home {
    let home = this.#homes.get(region);
    if (home === undefined) {
      home = { contents: undefined, unflushed: undefined, rebuilt: false, activated: undefined };
      this.#homes.set(region, home);
    }
    return home;
  }
}

function hex(digest: number): string {
  return `0x${digest.toString(16).padStart(8, "0")}`;
}
