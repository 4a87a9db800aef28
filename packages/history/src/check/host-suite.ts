import type { EventKind, HistoryEvent } from "../event.js";
import { ActiveOnce } from "./active-once.js";
import type { Checker } from "./checker.js";
import { CrashClearsAll } from "./crash-clears-all.js";
import { EveryOperationEnds } from "./every-operation-ends.js";
import type { Evidence } from "./evidence.js";
import { FreedInactive } from "./freed-inactive.js";
import { LaunchState } from "./launch-state.js";
import { NoLostUpdate } from "./no-lost-update.js";
import { NothingOutlives } from "./nothing-outlives.js";
import { OutlivesLease } from "./outlives-lease.js";
import { PoolRecency } from "./pool-recency.js";
import { CPU_KINDS } from "./publishers.js";
import { RecordTruth } from "./record-truth.js";
import { HostView } from "./view/host-view.js";
import type { Report } from "./violation.js";

export interface HostSuiteOptions {
  /** How many indefinite ends are kept in full. */
  readonly indefiniteMax: number;
  /** The sources' `monoNs` are readings of one clock. */
  readonly sharedClock: boolean;
}

/** The checkers over one host, in the order of the invariants. */
export class HostSuite {
  readonly operations: EveryOperationEnds;
  /** Events of lives of CPUs that were over by then. They are counted, and judged by nobody but {@link OutlivesLease}. */
  posthumous = 0;
  readonly #view = new HostView();
  readonly #leases: OutlivesLease;
  readonly #checkers: readonly Checker[];
  readonly #byKind = new Map<EventKind, Checker[]>();
  #incarnationOfL0: number | undefined;

  constructor(
    report: Report,
    private readonly evidence: Evidence,
    { indefiniteMax, sharedClock }: HostSuiteOptions,
  ) {
    const view = this.#view;
    this.operations = new EveryOperationEnds(report, indefiniteMax);
    this.#leases = new OutlivesLease(view, report, sharedClock);
    this.#checkers = [
      new ActiveOnce(view, report),
      this.#leases,
      new LaunchState(view, report),
      new FreedInactive(view, report),
      new NoLostUpdate(view, report),
      new PoolRecency(report),
      new RecordTruth(view, report),
      new NothingOutlives(view, report),
      this.operations,
      new CrashClearsAll(view, report),
    ];
    for (const checker of this.#checkers) {
      for (const kind of checker.kinds) this.#byKind.set(kind, [...(this.#byKind.get(kind) ?? []), checker]);
    }
  }

  /** `afterGap`: events of this source, before this one, are missing. */
  observe(event: HistoryEvent, afterGap: boolean): void {
    if (CPU_KINDS.has(event.kind)) {
      if (event.cpu === undefined || !this.#follow(event.cpu, event, afterGap)) return;
    } else this.#followL0(event, afterGap);
    for (const checker of this.#byKind.get(event.kind) ?? []) checker.observe(event);
    this.#view.apply(event);
  }

  finish(complete: boolean): void {
    for (const checker of this.#checkers) checker.finish?.(complete);
  }

  /** Keeps up with the lives of a CPU. Whether this event counts. */
  #follow(cpu: number, event: HistoryEvent, afterGap: boolean): boolean {
    const view = this.#view.cpu(cpu);
    if (view.isPosthumous(event)) {
      this.posthumous++;
      this.#leases.observe(event);
      return false;
    }
    // Of one that is known to be over, nothing is missing; one that nobody gave up may have done anything at its end.
    if (view.isNewLife(event) && !view.isOver) this.#forgetCpu(cpu);
    if (afterGap) this.#forgetCpu(cpu);
    view.lives(event.incarnation);
    if (event.seq === 1) view.known = true;
    return true;
  }

  #followL0(event: HistoryEvent, afterGap: boolean): void {
    const { host, source, cpu, incarnation } = event;
    const isNewLife = this.#incarnationOfL0 !== undefined && incarnation !== this.#incarnationOfL0;
    if (isNewLife) this.evidence.endedAbruptly(host, source);
    if (isNewLife || afterGap) this.#forgetL0();
    this.#incarnationOfL0 = incarnation;
    if (cpu === undefined) return;
    if (event.kind === "cpu.registered") this.evidence.expect(host, `cpu${cpu}`, event.epoch);
    if (event.kind === "cpu.lost") this.evidence.endedAbruptly(host, `cpu${cpu}`);
  }

  #forgetCpu(cpu: number): void {
    for (const checker of this.#checkers) checker.forgetCpu?.(cpu);
    this.#view.forgetCpu(cpu);
  }

  #forgetL0(): void {
    for (const checker of this.#checkers) checker.forgetL0?.();
    this.#view.forgetL0();
  }
}
