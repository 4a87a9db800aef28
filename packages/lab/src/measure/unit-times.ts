/** The times of every unit of an open load, so that whoever doubts a percentile can work it out again. */

/** One unit; nanoseconds since the load began. */
export interface UnitTimes {
  readonly isWarmup: boolean;
  readonly intendedNs: number;
  /** Undefined: nobody came to do it. */
  readonly sentNs: number | undefined;
  /** Undefined: it did not end well, or not before the end. */
  readonly doneNs: number | undefined;
}

/** Columns of numbers take a third of the memory of as many objects. */
export class UnitTimesRecorder {
  readonly #beginNs: number;
  readonly #warmups: boolean[] = [];
  readonly #intended: number[] = [];
  readonly #sent: (number | undefined)[] = [];
  readonly #done: (number | undefined)[] = [];

  constructor(beginNs: number) {
    this.#beginNs = beginNs;
  }

  /** Its place, for {@link done}. */
  add(isWarmup: boolean, intendedNs: number, sentNs?: number): number {
    this.#warmups.push(isWarmup);
    this.#intended.push(intendedNs - this.#beginNs);
    this.#sent.push(sentNs === undefined ? undefined : sentNs - this.#beginNs);
    this.#done.push(undefined);
    return this.#intended.length - 1;
  }

  done(place: number, atNs: number): void {
    this.#done[place] = atNs - this.#beginNs;
  }

  /** In the order in which they were begun. */
  *[Symbol.iterator](): Generator<UnitTimes> {
    for (const [place, intendedNs] of this.#intended.entries())
      yield {
        isWarmup: this.#warmups[place] === true,
        intendedNs,
        sentNs: this.#sent[place],
        doneNs: this.#done[place],
      };
  }
}
