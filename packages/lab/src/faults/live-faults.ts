/** The faults of an experiment on a host of real processes, by the same driver as the simulator's. */
import {
  ANY_CPU,
  type Begun,
  FAULT_ACTIONS,
  type Fault,
  FaultDriver,
  type FaultFact,
  type FaultKind,
  faultName,
  type HostAction,
  isMessageFault,
  RandomStream,
} from "@vmcslab/faults";
import { type Clock, type Credentials, FaultClient } from "@vmcslab/runtime";
import type { FaultsReport } from "../target/target.js";
import { type FaultImpact, quantileOf } from "./impact.js";
import { isDoneOutside } from "./means.js";
import type { DeathExpectation, HostProcesses } from "./processes.js";
import { RemoteFault } from "./remote-fault.js";

export interface LiveFaultsOptions {
  readonly faults: readonly Fault[];
  /** Everything left to chance is drawn from it. */
  readonly seed: number;
  readonly cpus: number;
  /** host:port of L0, whose FaultService takes what is not done to processes from outside. */
  readonly l0Address: string;
  /** For it. Default: none. */
  readonly credentials?: Credentials;
  /** Absent: nobody here can touch the host's processes from outside. */
  readonly processes?: HostProcesses;
  /** Takes what there is to know. Default: a list of its own. */
  readonly notes?: string[];
  readonly clock: Clock;
  readonly impact: FaultImpact;
  /** States the events of faults that begin by time. Default: they are not in the history. */
  readonly emit?: (fact: FaultFact) => void;
}

/** What a fault that L0 or its victim ends by itself comes to, for the report. */
interface Tally {
  injected: number;
  healed: number;
  struck: number;
}

export class LiveFaults {
  /** What there is to know: victims that vanished, faults that were refused. */
  readonly notes: string[];
  readonly #options: LiveFaultsOptions;
  /** Each with the name that events have: its own, or its place among all of them. */
  readonly #faults: readonly Fault[];
  readonly #client: FaultClient;
  readonly #driver: FaultDriver;
  readonly #remotes = new Set<RemoteFault>();
  /** Whatever has begun and takes its time: restarts, clears. */
  readonly #underWay = new Set<Promise<void>>();
  /** What came of faults, beyond what the driver counts. */
  readonly #more: Partial<Record<FaultKind, Tally>> = {};
  /** Who is to be started again, when it is dead for sure. */
  readonly #dead = new Map<string, Promise<void>>();
  /** Deaths that faults at events may bring about. */
  readonly #expected = new Set<DeathExpectation>();
  /** Of what faults last killed. */
  readonly #restarts = new Map<Fault, Promise<void>>();
  #isOver = false;
  /** L0 was killed: its counters began anew. */
  l0Restarted = false;

  constructor(options: LiveFaultsOptions) {
    this.#options = options;
    this.notes = options.notes ?? [];
    this.#client = new FaultClient(options.l0Address, options.credentials, "l0");
    const { clock, cpus, seed, emit } = options;
    const faults = options.faults.map((fault, index): Fault => ({ ...fault, name: faultName(fault, index) }));
    this.#faults = faults;
    this.#driver = new FaultDriver({
      faults: faults.filter(({ on }) => on === undefined),
      cpus,
      random: new RandomStream(`${seed}/fault times`),
      after: (delayNs, callback) => clock.after(delayNs / 1e6, callback),
      onEvent: () => undefined,
      emit: (fact) => emit?.(fact),
      begin: (fault, cpu, forNs) => this.#begin(fault, cpu, forNs),
      whenWhole: (fault, callback) => void (this.#restarts.get(fault) ?? Promise.resolve()).then(callback),
    });
  }

  /** Every fault that begins by time has begun as often as it is to, and ended. */
  get areOver(): boolean {
    return this.#driver.isDone;
  }

  /** The workload starts: times and events are counted from now. */
  start(): void {
    this.#driver.start();
    for (const fault of this.#faults) if (fault.on !== undefined) this.#beginAtEvent(fault, nameAtL0(fault));
  }

  /** The workload has ended: so do the faults, and everybody who is down comes back. */
  async heal(): Promise<void> {
    this.#isOver = true;
    this.#driver.healAll();
    for (const remote of [...this.#remotes]) this.#track(this.#endRemote(remote));
    for (const expected of this.#expected) this.#track(expected.end().catch((error: unknown) => this.#complain(error)));
    const { processes } = this.#options;
    if (processes !== undefined) for (const name of this.#dead.keys()) this.#track(this.#restart(name));
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  close(): void {
    this.#client.close();
  }

  /** `healed`: those that acted no more when the run ended. */
  report(): FaultsReport {
    const kinds = new Set(this.#options.faults.map(({ action }) => action.kind));
    const reports = [...kinds].flatMap((kind) => {
      const report = this.#reportOf(kind);
      return report.injected === 0 ? [] : [[kind, report] as const];
    });
    const sum = (pick: (tally: Tally) => number): number =>
      reports.reduce((total, [, tally]) => total + pick(tally), 0);
    return {
      injected: sum((tally) => tally.injected),
      healed: sum((tally) => tally.healed),
      byKind: Object.fromEntries(reports),
    };
  }

  #reportOf(kind: FaultKind): FaultsReport["byKind"][string] {
    const own = this.#driver.tally[kind] ?? NONE;
    const more = this.#more[kind] ?? NONE;
    const impact = this.#options.impact.of(kind);
    const p50 = quantileOf(impact?.recoveriesNs ?? [], 0.5);
    const p99 = quantileOf(impact?.recoveriesNs ?? [], 0.99);
    return {
      injected: own.injected + more.injected,
      healed: own.healed + more.healed,
      struck: own.struck + more.struck,
      inFlight: impact?.inFlight ?? 0,
      recovered: impact?.recoveriesNs.length ?? 0,
      ...(p50 === undefined || p99 === undefined ? {} : { recoveryMs: { p50: p50 / 1e6, p99: p99 / 1e6 } }),
    };
  }

  #begin(fault: Fault, cpu: number | undefined, forNs: number | undefined): Begun {
    const { impact, processes } = this.#options;
    const { action } = fault;
    impact.injected(action.kind);
    if (processes !== undefined && isDoneOutside(fault, processes)) {
      if (action.kind === "crashL0") return this.#kill(fault, "l0", forNs, processes);
      if (action.kind === "crash") return this.#kill(fault, `cpu${cpu}`, forNs, processes);
      const begin = action.kind === "stall" ? processes.stall : processes.cut;
      const end = begin?.call(processes, `cpu${cpu}`, forNs ?? OUTSIDE_NS_MAX);
      return () => {
        if (end !== undefined) this.#track(end().catch((error: unknown) => this.#complain(error)));
        return 1;
      };
    }
    const drawn = drawnFault(fault, cpu);
    if (action.kind === "crashL0") this.l0Restarted = true;
    const expected = this.#reviveWhenDead(drawn, forNs);
    const remote = this.#give(drawn, nameAtL0(fault), expected.ready, false);
    return () => {
      // It may die until L0 has called it off.
      const ended = this.#endRemote(remote, action.kind).then(() => expected.end());
      this.#track(ended.catch((error: unknown) => this.#complain(error)));
      // What a message fault struck is known when L0 has said so.
      return fault.match === undefined ? 1 : 0;
    };
  }

  /** It is over when L0 says so, or with the workload. */
  #beginAtEvent(fault: Fault, name: string): void {
    const { kind } = fault.action;
    const given = this.#drawnOnce(fault, name);
    const expected = this.#reviveWhenDead(given, given.forNs);
    this.#expected.add(expected);
    const remote: RemoteFault = this.#give(given, name, expected.ready, true, {
      onActing: () => {
        if (kind === "crashL0") this.l0Restarted = true;
        this.#tally(kind).injected++;
        this.#options.impact.injected(kind);
      },
      onEnded: (strikes) => {
        this.#remotes.delete(remote);
        this.#expected.delete(expected);
        this.#track(expected.end().catch((error: unknown) => this.#complain(error)));
        this.#ended(kind, strikes);
      },
    });
  }

  /** Which CPU has to be known when it is given to L0. */
  #drawnOnce(fault: Fault, name: string): Fault {
    const { seed, cpus } = this.#options;
    if (isMessageFault(fault) || !("cpu" in fault.action) || fault.action.cpu !== ANY_CPU) return fault;
    const cpu = new RandomStream(`${seed}/${name}`).below(cpus);
    return { ...fault, action: withCpu(fault.action, cpu) };
  }

  #give(
    fault: Fault,
    name: string,
    ready: Promise<void>,
    isStatedThere: boolean,
    tell: { readonly onActing?: () => void; readonly onEnded?: (strikes: number) => void } = {},
  ): RemoteFault {
    const { clock, seed } = this.#options;
    const remote = new RemoteFault(name, {
      ...{ fault, ready, isStatedThere, client: this.#client, seed: `${seed}/${name}`, nowNs: () => clock.monoNs() },
      after: (delayMs, callback) => clock.after(delayMs, callback),
      note: (text) => this.notes.push(text),
      ...tell,
    });
    this.#remotes.add(remote);
    return remote;
  }

  /** `timed`: the kind of a fault whose end the driver counts. */
  async #endRemote(remote: RemoteFault, timed?: FaultKind): Promise<void> {
    if (!this.#remotes.delete(remote)) return;
    const strikes = await remote.end();
    if (timed === undefined) {
      if (remote.isActing) this.#ended(remote.kind, strikes);
    } else if (FAULT_ACTIONS[timed].strikes === "messages") this.#tally(timed).struck += strikes;
  }

  #ended(kind: FaultKind, strikes: number): void {
    const tally = this.#tally(kind);
    tally.healed++;
    tally.struck += strikes;
  }

  #kill(fault: Fault, name: string, forNs: number | undefined, processes: HostProcesses): Begun {
    if (name === "l0") this.l0Restarted = true;
    const killed = processes.kill(name, forNs ?? OUTSIDE_NS_MAX).catch((error: unknown) => this.#complain(error));
    this.#dead.set(name, killed);
    this.#track(killed);
    return () => {
      const restarted = killed.then(() => this.#restart(name));
      this.#restarts.set(fault, restarted);
      this.#track(restarted);
      return 1;
    };
  }

  async #restart(name: string): Promise<void> {
    const dead = this.#dead.get(name);
    if (dead === undefined) return;
    this.#dead.delete(name);
    await dead;
    await this.#options.processes?.restart(name).catch((error: unknown) => this.#complain(error));
  }

  /** A process that is to kill itself is started again when it has been dead for as long as the fault lasts. */
  #reviveWhenDead({ action }: Fault, forNs: number | undefined): DeathExpectation {
    const { processes, clock } = this.#options;
    const name = action.kind === "crashL0" ? "l0" : action.kind === "crash" ? `cpu${action.cpu}` : undefined;
    if (name === undefined || processes === undefined) return NOBODY_DIES;
    return processes.expectDeath(name, forNs ?? OUTSIDE_NS_MAX, () => {
      if (name === "l0") this.l0Restarted = true;
      this.#dead.set(name, Promise.resolve());
      if (this.#isOver) this.#track(this.#restart(name));
      else if (forNs !== undefined) clock.after(forNs / 1e6, () => this.#track(this.#restart(name)));
    });
  }

  #tally(kind: FaultKind): Tally {
    const tally = this.#more[kind] ?? { injected: 0, healed: 0, struck: 0 };
    this.#more[kind] = tally;
    return tally;
  }

  #complain(error: unknown): void {
    this.notes.push(error instanceof Error ? error.message : String(error));
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }
}

const NOBODY_DIES: DeathExpectation = { ready: Promise.resolve(), end: () => Promise.resolve() };
/** What is done from outside without a lease ends with the workload; when we are gone by then, after this. */
const OUTSIDE_NS_MAX = 3_600_000_000_000;
const NONE: Tally = { injected: 0, healed: 0, struck: 0 };

/** A name that the wire takes. */
function nameAtL0({ name = "" }: Fault): string {
  return name.toLowerCase().replace("#", "-");
}

/** As it is given to L0: to begin now, and done to the CPU that was drawn. */
function drawnFault(fault: Fault, cpu: number | undefined): Fault {
  if (isMessageFault(fault)) return { ...fault, at: undefined, repeat: undefined };
  return { ...fault, at: undefined, repeat: undefined, action: withCpu(fault.action, cpu) };
}

function withCpu(action: HostAction, cpu: number | undefined): HostAction {
  return "cpu" in action && cpu !== undefined ? { ...action, cpu } : action;
}
