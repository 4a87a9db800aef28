/** The sequence of one life of a source: what was received, what is missing, what came twice. */
export class Sequence {
  /** Highest number known, received or announced. */
  published = 0;
  stored = 0;
  lost = 0;
  duplicates = 0;
  /** Number of its last event, as it stated it. */
  #end: number | undefined;

  /** It stated where it ends. Numbers beyond that would say that it does not end there. */
  get ended(): boolean {
    return this.#end !== undefined && this.#end >= this.published;
  }

  /** How many events at the start of a batch of `count` from `first` on were received before. */
  repeated(first: number, count: number): number {
    return Math.min(count, Math.max(0, this.published + 1 - first));
  }

  /**
   * A batch of `count` events from `first` on is stored, without those that are {@link repeated}. Sources send in order, so numbers that are skipped will not come any
   * more: they are lost. A batch without events announces that everything before `first` was published; one that `ends` the life is its last.
   */
  accept(first: number, count: number, ends = false): void {
    const repeated = this.repeated(first, count);
    this.lost += Math.max(0, first - this.published - 1);
    this.duplicates += repeated;
    this.stored += count - repeated;
    this.published = Math.max(this.published, first + count - 1);
    if (ends) this.#end = first + count - 1;
  }
}
