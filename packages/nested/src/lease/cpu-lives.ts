export interface LeaseTerms {
  /** How long a CPU may go on without hearing from L0, in ns of its own clock; 0: for ever. */
  readonly durationNs: number;
  /** Two monotonic clocks that count the same time differ by no more than this, in parts per million. */
  readonly driftPpm: number;
}

/** No leases: a silent CPU is waited for. */
export const NO_LEASE: LeaseTerms = { durationNs: 0, driftPpm: 0 };

interface Life {
  readonly incarnation: number;
  /** From then on, on L0's clock, this life certainly uses no VMCS any more; +Infinity: never certain. */
  fenceNs: number;
  over: boolean;
}

/**
 * Which life of each CPU L0 counts on, and until when. L0 grants a lease with each answer to a beat and may take a CPU's VMCSs only when the last
 * lease it granted has ended on any clock within the drift bound: the fence deadline.
 */
export class CpuLives {
  readonly #terms: LeaseTerms;
  readonly #lives = new Map<number, Life>();

  constructor(terms: LeaseTerms) {
    this.#terms = terms;
  }

  /**
   * A CPU says that it is there. `new`: a life that L0 has not seen; the one before, if there was one, is over, because it says so itself. `over`: L0 gave this life up, or has
   * seen a later one; it must begin a new one. Unless it is `over`, the caller answers, and the answer grants {@link LeaseTerms.durationNs}.
   */
  heard(cpu: number, incarnation: number, nowNs: number): "new" | "known" | "over" {
    const life = this.#lives.get(cpu);
    if (life !== undefined && (incarnation < life.incarnation || (incarnation === life.incarnation && life.over)))
      return "over";
    const fenceNs = this.#fenceAt(nowNs);
    if (life?.incarnation === incarnation) {
      life.fenceNs = Math.max(life.fenceNs, fenceNs);
      return "known";
    }
    this.#lives.set(cpu, { incarnation, fenceNs, over: false });
    return "new";
  }

  /** The latest life of a CPU that was heard of; 0: none. */
  newest(cpu: number): number {
    return this.#lives.get(cpu)?.incarnation ?? 0;
  }

  /** CPUs whose fence deadline has passed. Their lives are over from now on; the caller declares them lost. */
  fence(nowNs: number): { readonly cpu: number; readonly incarnation: number }[] {
    const fenced = [];
    for (const [cpu, life] of this.#lives) {
      if (life.over || nowNs < life.fenceNs) continue;
      life.over = true;
      fenced.push({ cpu, incarnation: life.incarnation });
    }
    return fenced;
  }

  /** The life is over for another reason than its fence. */
  ended(cpu: number, incarnation: number): void {
    const life = this.#lives.get(cpu);
    if (life?.incarnation === incarnation) life.over = true;
  }

  /** When the next fence deadline passes, if nobody is heard until then; +Infinity: never. */
  get nextFenceNs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const life of this.#lives.values()) if (!life.over) next = Math.min(next, life.fenceNs);
    return next;
  }

  /**
   * The CPU's clock may be slow and L0's fast, each by the bound: what the one counts as the duration the other counts as up to (1 + d) / (1 - d) of it.
   */
  #fenceAt(nowNs: number): number {
    const { durationNs, driftPpm } = this.#terms;
    if (durationNs === 0) return Number.POSITIVE_INFINITY;
    const drift = driftPpm / 1e6;
    return nowNs + Math.ceil((durationNs * (1 + drift)) / (1 - drift));
  }
}
