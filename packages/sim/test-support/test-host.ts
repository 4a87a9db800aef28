import { type MessageAction, RandomStream } from "@vmcslab/faults";
import { type HistoryEvent, Sanitizer } from "@vmcslab/history";
import { type Answer, DEFAULT_DESIGN, type Design, type Hypervisor, NO_LEASE, type Operation } from "@vmcslab/nested";
import { cpuModelNamed, DEFAULT_CPU_MODEL } from "@vmcslab/vmx";
import { expect } from "vitest";
import { PreparedStates } from "../src/explore/prepared-state.js";
import { SimHost } from "../src/host/sim-host.js";

export interface TestHostOptions {
  readonly cpus: number;
  readonly poolSize: number;
  /** Default: DEFAULT_DESIGN. */
  readonly design?: Design;
  /** Of one message after the other, in ns. Default: no time. */
  readonly latency?: () => number;
  /** Default: right behind the deadline, so that L0 notices every loss. */
  readonly resendAfterMs?: number;
}

const DEADLINE_MS = 20;
/** In which whatever was lost has been sent again: with all its pauses. */
const SETTLE_NS = 1_000_000_000;

/** A host without leases that tests drive: one operation to its end after the other, or all at once. */
export class TestHost {
  readonly sim: SimHost;
  readonly history: HistoryEvent[] = [];
  /** Entries of L2 with something else than a full preparation would have written. */
  readonly #different: string[] = [];
  /** Losses that have not struck, by CPU. */
  readonly #losses = new Map<number, number>();

  constructor({ cpus, poolSize, design = DEFAULT_DESIGN, latency = () => 0, resendAfterMs = 21 }: TestHostOptions) {
    const model = cpuModelNamed(DEFAULT_CPU_MODEL);
    if (model === undefined) throw new Error("the default model exists");
    const prepared = new PreparedStates(model);
    const simHost = (): SimHost | undefined => this.sim;
    this.sim = new SimHost({
      name: "test",
      cpus,
      config: { poolSize, design, memoryPages: 64, l1MemoryBytes: 1 << 20, model },
      lease: NO_LEASE,
      beatNs: 50_000_000,
      deadlineMs: DEADLINE_MS,
      resendAfterMs,
      latency,
      inOrder: true,
      faults: [],
      random: new RandomStream("test"),
      observe: (event) => {
        this.history.push(event);
        const different = prepared.observe(event, simHost());
        if (different !== undefined) this.#different.push(different);
      },
      onMessage: ({ to, message, fates }) => {
        if (message.kind === "batch" && fates.length > 0) this.#losses.set(to, this.#lossesOf(to) - 1);
      },
    });
    this.waitUntilWhole();
  }

  get hypervisor(): Hypervisor {
    const { hypervisor } = this.sim;
    if (hypervisor === undefined) throw new Error("nobody crashes L0 here");
    return hypervisor;
  }

  run<T>(begin: (hypervisor: Hypervisor) => Operation<T>): Answer<T> {
    let answer: Answer<T> | undefined;
    this.sim.start(begin, (ended) => {
      answer = ended;
    });
    this.#waitUntil(() => answer !== undefined);
    if (answer === undefined) throw new Error("the operation did not end");
    return answer;
  }

  /** Strikes the next batch to this CPU that nothing strikes yet. */
  strikeNext(cpu: number, action: MessageAction): void {
    const nth = this.#lossesOf(cpu) + 1;
    this.#losses.set(cpu, nth);
    this.sim.inject({ match: { from: "l0", to: `cpu${cpu}`, method: "batch", nth }, action });
  }

  /** Every CPU is alive and registered. */
  waitUntilWhole(): void {
    this.#waitUntil(() => this.sim.isWhole);
    expect(this.sim.isWhole).toBe(true);
  }

  /** Every operation has ended, and what was lost was sent again. */
  settle(): void {
    const { sim } = this;
    this.advance(SETTLE_NS);
    expect({ open: sim.open, inFlight: sim.l0?.inFlight }).toEqual({ open: 0, inFlight: 0 });
  }

  advance(durationNs: number): void {
    const untilNs = this.sim.scheduler.nowNs + durationNs;
    this.sim.scheduler.at(untilNs, () => undefined);
    this.sim.runUntil(untilNs, () => false);
  }

  violations(): string[] {
    const sanitizer = new Sanitizer({ sharedClock: true });
    for (const event of this.history) sanitizer.observe(event);
    const { violations } = sanitizer.finish({ complete: true });
    return [...violations.map(({ invariant, message }) => `${invariant}: ${message}`), ...this.#different];
  }

  #lossesOf(cpu: number): number {
    return this.#losses.get(cpu) ?? 0;
  }

  /** What is due at the instant when it is so happens as well. */
  #waitUntil(isSo: () => boolean): void {
    const { sim } = this;
    sim.runUntil(sim.scheduler.nowNs + SETTLE_NS, isSo);
    sim.runUntil(sim.scheduler.nowNs, () => false);
  }
}
