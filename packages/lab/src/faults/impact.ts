/** What faults do to the operations that are under way when they begin. */
import type { FaultKind } from "@vmcslab/faults";

/** Of the faults of one kind. */
export interface Impact {
  /** Operations that were under way when such a fault began. */
  inFlight: number;
  /** Of those: how long until an operation of the same vcpu succeeded, counted from when the fault began. Ascending by time of recovery. */
  readonly recoveriesNs: number[];
}

interface Waiting {
  readonly kind: FaultKind;
  readonly sinceNs: number;
  readonly vcpu: number;
}

/** Watches operations begin and end, and faults begin. */
export class FaultImpact {
  readonly #nowNs: () => number;
  readonly #byKind = new Map<FaultKind, Impact>();
  /** vcpus of operations that are under way, by the operation. */
  readonly #underWay = new Map<object, number>();
  #waiting: Waiting[] = [];

  constructor(nowNs: () => number) {
    this.#nowNs = nowNs;
  }

  /** An operation of a vcpu begins. The key is to be given back when it ends. */
  began(vcpu: number): object {
    const key = {};
    this.#underWay.set(key, vcpu);
    return key;
  }

  ended(key: object, succeeded: boolean): void {
    const vcpu = this.#underWay.get(key);
    this.#underWay.delete(key);
    if (!succeeded || this.#waiting.length === 0) return;
    const nowNs = this.#nowNs();
    this.#waiting = this.#waiting.filter((waiting) => {
      if (waiting.vcpu !== vcpu) return true;
      this.#of(waiting.kind).recoveriesNs.push(nowNs - waiting.sinceNs);
      return false;
    });
  }

  injected(kind: FaultKind): void {
    const sinceNs = this.#nowNs();
    const vcpus = [...this.#underWay.values()];
    this.#of(kind).inFlight += vcpus.length;
    for (const vcpu of vcpus) this.#waiting.push({ kind, sinceNs, vcpu });
  }

  of(kind: FaultKind): Impact | undefined {
    return this.#byKind.get(kind);
  }

  #of(kind: FaultKind): Impact {
    const impact = this.#byKind.get(kind) ?? { inFlight: 0, recoveriesNs: [] };
    this.#byKind.set(kind, impact);
    return impact;
  }
}

/** The q-quantile of samples by nearest rank; undefined: there are none. */
export function quantileOf(samples: readonly number[], q: number): number | undefined {
  const sorted = samples.toSorted((a, b) => a - b);
  // 0.28 of 25 is 7, and a little more in floating point: that is still the 7th.
  const rank = Math.ceil(q * sorted.length * (1 - 2 * Number.EPSILON));
  return sorted[Math.max(0, rank - 1)];
}
