/** Hands units of load out to the vcpus of a run: when each begins, which are warm-up, and when there are no more. */
import type { RandomStream } from "@vmcslab/faults";
import { WHILE_FAULTS } from "../../experiment/units.js";
import type { DueUnit, LoadUnit } from "../../measure/load.js";
import type { WorkloadContext } from "../workload.js";
import { type Arrivals, arrivalsFrom } from "./arrivals.js";
import type { LoadPlan } from "./plan.js";

/** A vcpu's place in the crew that carries the load. */
export interface Seat {
  /** It is ready. Ends when all are, or are gone. */
  ready(): Promise<void>;
  /** It does no more, whether it was ever ready or not. */
  leave(): void;
}

/** What is due and was not begun by the end is waited for as long as the load lasted, at least this long. */
const DRAIN_NS_MIN = 10_000_000_000;

/**
 * Units are due in one order. A vcpu that has nothing to do claims the next, and waits until it is due; one that claims a unit whose instant has passed begins it at
 * once. So no unit waits while a vcpu is free, none is skipped, and what waits is counted from when it was due.
 */
export class LoadCourse {
  readonly #plan: LoadPlan;
  readonly #context: WorkloadContext;
  readonly #random: RandomStream;
  #unready: number;
  readonly #waiting: (() => void)[] = [];
  #hasBegun = false;
  #arrivals: Arrivals | undefined;
  /** Units claimed, those of the warm-up too. */
  #claimed = 0;
  #measuredClaimed = 0;
  /** From where the extent counts; undefined while the warm-up goes on. */
  #measureNs: number | undefined;
  #faultsOverNs: number | undefined;

  /** `vcpus`: seats that will be taken. */
  constructor(plan: LoadPlan, vcpus: number, context: WorkloadContext, random: RandomStream) {
    this.#plan = plan;
    this.#context = context;
    this.#random = random;
    this.#unready = vcpus;
    // A plain closed load needs no common beginning: each vcpu begins when it is ready.
    if (plan.load.model === "closed" && plan.warmup === undefined) this.#begin();
  }

  seat(): Seat {
    let isCounted = false;
    const count = (): void => {
      if (isCounted) return;
      isCounted = true;
      this.#unready--;
      if (this.#unready === 0) this.#begin();
    };
    return {
      ready: () => {
        count();
        return this.#hasBegun ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
      },
      leave: count,
    };
  }

  /** The next unit, when it is due. Undefined: there are no more. */
  async take(): Promise<LoadUnit | undefined> {
    const { host, signal, load, sleepPrecisely = this.#context.sleep } = this.#context;
    const freeNs = host.nowNs();
    if (signal.aborted || this.#isGivenUp(freeNs)) return undefined;
    const claim = this.#claim(freeNs, this.#areFaultsOver(freeNs));
    if (claim === undefined) return undefined;
    const { intendedNs } = claim;
    let nowNs = freeNs;
    while (nowNs < intendedNs) {
      await sleepPrecisely((intendedNs - nowNs) / 1e6, signal);
      if (signal.aborted) return undefined;
      nowNs = host.nowNs();
    }
    return load.sent(claim, nowNs, freeNs < intendedNs ? nowNs - intendedNs : undefined);
  }

  /** It ended well, now. */
  done(unit: LoadUnit): void {
    this.#context.load.done(unit, this.#context.host.nowNs());
  }

  /** Everybody has stopped: counts what was due by now and was never begun. */
  finish(): void {
    if (!this.#hasBegun || this.#arrivals === undefined) return;
    const nowNs = this.#context.host.nowNs();
    const isOver = this.#areFaultsOver(nowNs);
    while (this.#arrivals.nextNs <= nowNs) {
      const claim = this.#claim(nowNs, isOver);
      if (claim === undefined) break;
      this.#context.load.neverSent(claim);
    }
  }

  #begin(): void {
    this.#hasBegun = true;
    const { host, load } = this.#context;
    const { warmup, unit } = this.#plan;
    const nowNs = host.nowNs();
    load.begin({ unit, ...this.#plan.load }, nowNs);
    if (this.#plan.load.model === "open")
      this.#arrivals = arrivalsFrom(nowNs, this.#plan.load, this.#random.fork("arrivals"));
    if (warmup === undefined) this.#measureNs = nowNs;
    else {
      host.warmup.begin(nowNs);
      if ("durationNs" in warmup) this.#measureFrom(nowNs + warmup.durationNs);
    }
    for (const resolve of this.#waiting) resolve();
    this.#waiting.length = 0;
  }

  #measureFrom(atNs: number): void {
    this.#measureNs = atNs;
    this.#context.host.warmup.end(atNs);
    this.#context.load.measureFrom(atNs);
  }

  /** `faultsOver`: see #areFaultsOver. */
  #claim(nowNs: number, faultsOver: boolean): DueUnit | undefined {
    const intendedNs = this.#arrivals?.nextNs ?? nowNs;
    const { warmup } = this.#plan;
    const isWarm = warmup !== undefined && "units" in warmup && this.#claimed === warmup.units;
    if (isWarm && this.#measureNs === undefined) this.#measureFrom(intendedNs);
    const isWarmup = this.#measureNs === undefined || intendedNs < this.#measureNs;
    if (!isWarmup && this.#isOver(intendedNs, faultsOver)) return undefined;
    this.#arrivals?.take();
    this.#claimed++;
    if (!isWarmup) this.#measuredClaimed++;
    return { intendedNs, isWarmup };
  }

  /** Whether a unit that is due then is one too many. */
  #isOver(intendedNs: number, faultsOver: boolean): boolean {
    const { extent } = this.#plan;
    if (extent === WHILE_FAULTS) return faultsOver && intendedNs >= (this.#faultsOverNs ?? intendedNs);
    if ("units" in extent) return this.#measuredClaimed >= extent.units;
    return intendedNs >= this.#endNs;
  }

  /** And notes since when. */
  #areFaultsOver(nowNs: number): boolean {
    const { areFaultsOver } = this.#context;
    const isOver = areFaultsOver?.() ?? true;
    if (isOver) this.#faultsOverNs ??= nowNs;
    return isOver;
  }

  /** The host is so far behind that what is due will not be done in a reasonable time. */
  #isGivenUp(nowNs: number): boolean {
    const { extent } = this.#plan;
    if (extent === WHILE_FAULTS || "units" in extent) return false;
    return nowNs >= this.#endNs + Math.max(extent.durationNs, DRAIN_NS_MIN);
  }

  get #endNs(): number {
    const { extent } = this.#plan;
    if (extent === WHILE_FAULTS || "units" in extent || this.#measureNs === undefined) return Number.POSITIVE_INFINITY;
    return this.#measureNs + extent.durationNs;
  }
}
