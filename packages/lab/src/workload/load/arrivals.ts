/** The instants at which units of an open model are due. */
import { type RandomStream, sampler } from "@vmcslab/faults";

export interface Arrivals {
  /** When the next is due. */
  readonly nextNs: number;
  /** It has been taken: the one after it is next. */
  take(): void;
}

export function arrivalsFrom(
  startNs: number,
  { ratePerSecond, arrivals }: { readonly ratePerSecond: number; readonly arrivals: "poisson" | "constant" },
  random: RandomStream,
): Arrivals {
  const gapNs = 1e9 / ratePerSecond;
  return arrivals === "constant" ? new ConstantArrivals(startNs, gapNs) : new PoissonArrivals(startNs, gapNs, random);
}

/** Counted from the start, so that no rounding adds up. */
class ConstantArrivals implements Arrivals {
  #taken = 0;

  constructor(
    private readonly startNs: number,
    private readonly gapNs: number,
  ) {}

  get nextNs(): number {
    return this.startNs + Math.round(this.#taken * this.gapNs);
  }

  take(): void {
    this.#taken++;
  }
}

class PoissonArrivals implements Arrivals {
  readonly #gap: () => number;
  #nextNs: number;

  constructor(startNs: number, meanNs: number, random: RandomStream) {
    const draw = sampler({ exponential: { mean: meanNs } });
    this.#gap = () => draw(random);
    this.#nextNs = startNs + this.#gap();
  }

  get nextNs(): number {
    return this.#nextNs;
  }

  take(): void {
    this.#nextNs += this.#gap();
  }
}
