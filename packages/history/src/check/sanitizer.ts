import { EVENT_KINDS, type EventKind, type HistoryEvent } from "../event.js";
import { Evidence } from "./evidence.js";
import { Findings } from "./findings.js";
import { HostSuite } from "./host-suite.js";
import { CPU_KINDS, FAULT_KINDS } from "./publishers.js";
import { type CheckReport, decide } from "./report.js";
import type { Report } from "./violation.js";

export interface SanitizerOptions {
  /** How many violations, and how many indefinite ends, are kept in full. The rest is counted. Default 100. */
  readonly storedMax?: number;
  /** The sources' `monoNs` are readings of one clock, as on one machine; only then is a CPU's use of a VMCS compared with L0's fence. Default false. */
  readonly sharedClock?: boolean;
}

/**
 * Checks the eight invariants over a history, one event at a time, in the order of {@link compareEvents}. Memory grows with what is alive (VMCSs, vcpus,
 * CPUs, open operations), not with the history. The checkers are documented in docs/invariants.md.
 */
export class Sanitizer {
  readonly #evidence = new Evidence();
  readonly #findings: Findings;
  readonly #hosts = new Map<string, HostSuite>();
  readonly #perKind = zeroPerKind();
  readonly #perCpu: Record<number, number> = {};
  readonly #perSource: Record<string, number> = {};
  readonly #storedMax: number;
  readonly #sharedClock: boolean;
  #events = 0;

  constructor({ storedMax = 100, sharedClock = false }: SanitizerOptions = {}) {
    this.#storedMax = storedMax;
    this.#sharedClock = sharedClock;
    this.#findings = new Findings(storedMax);
  }

  observe(event: HistoryEvent): void {
    const arrival = this.#evidence.take(event);
    if (arrival === "duplicate") return;
    this.#events++;
    this.#perKind[event.kind]++;
    this.#perSource[event.source] = (this.#perSource[event.source] ?? 0) + 1;
    if (event.cpu !== undefined && CPU_KINDS.has(event.kind))
      this.#perCpu[event.cpu] = (this.#perCpu[event.cpu] ?? 0) + 1;
    if (FAULT_KINDS.has(event.kind)) return;
    // A late event is evidence out of place: its gap was noted, and what it would have explained is in doubt already.
    if (arrival !== "late") this.#host(event.host).observe(event, arrival === "gap");
  }

  /**
   * The history begins in the middle of this life, after `lastSeq`, at a point where nothing was active, allocated or under way. Call it before
   * any event of this life.
   */
  begins(life: Pick<HistoryEvent, "host" | "source" | "incarnation">, lastSeq: number): void {
    this.#evidence.begins(life, lastSeq);
  }

  /** A source states that this life of it published everything up to `lastSeq`, and will publish no more: so losses at its very end show. */
  published(life: Pick<HistoryEvent, "host" | "source" | "incarnation">, lastSeq: number): void {
    this.#evidence.published(life, lastSeq);
  }

  /** Violations so far, to stop a search early. */
  get violationsTotal(): number {
    return this.#findings.total;
  }

  /** Ends the history. `complete`: it ends because everything did, not because the recording stopped. Call it once. */
  finish({ complete }: { readonly complete: boolean }): CheckReport {
    const hosts = [...this.#hosts.values()];
    for (const host of hosts) host.finish(complete);
    const { lost, duplicates, outOfOrder } = this.#evidence.counts;
    return {
      ...decide({
        complete,
        evidence: this.#evidence,
        findings: this.#findings,
        events: this.#events,
        fromL0: this.#hasEventsOfL0(),
      }),
      events: this.#events,
      violations: this.#findings.violations(this.#evidence),
      violationsTotal: this.#findings.total,
      perKind: { ...this.#perKind },
      perCpu: { ...this.#perCpu },
      perSource: { ...this.#perSource },
      lost,
      duplicates,
      outOfOrder,
      posthumous: hosts.reduce((sum, host) => sum + host.posthumous, 0),
      indefinite: {
        total: hosts.reduce((sum, host) => sum + host.operations.indefiniteTotal, 0),
        events: hosts.flatMap((host) => host.operations.indefinite).slice(0, this.#storedMax),
      },
    };
  }

  #hasEventsOfL0(): boolean {
    return this.#hosts.size > 0 && [...this.#hosts.keys()].every((host) => this.#evidence.isKnown(host, "l0"));
  }

  #host(name: string): HostSuite {
    let host = this.#hosts.get(name);
    if (host === undefined) {
      const report: Report = (rule, finding) => this.#findings.add(rule, finding);
      const options = { indefiniteMax: this.#storedMax, sharedClock: this.#sharedClock };
      host = new HostSuite(report, this.#evidence, options);
      this.#hosts.set(name, host);
    }
    return host;
  }
}

function zeroPerKind(): Record<EventKind, number> {
  // The keys of a literal, hence exactly its kinds.
  const kinds = Object.keys(EVENT_KINDS) as EventKind[];
  const zero: Partial<Record<EventKind, number>> = {};
  for (const kind of kinds) zero[kind] = 0;
  return zero as Record<EventKind, number>;
}
