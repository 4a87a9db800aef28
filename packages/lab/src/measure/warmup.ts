/** The warm-up of a workload: what begins in it is counted, and in no measure. */

export class Warmup {
  #beginNs: number | undefined;
  #endNs = Number.POSITIVE_INFINITY;

  begin(atNs: number): void {
    this.#beginNs = atNs;
  }

  end(atNs: number): void {
    this.#endNs = atNs;
  }

  /** Whether what began then is left out. What vcpus did before, to get ready, is not. */
  covers(beganNs: number): boolean {
    return this.#beginNs !== undefined && beganNs >= this.#beginNs && beganNs < this.#endNs;
  }

  /** How long it was; 0 when there was none, or none has ended. */
  get durationNs(): number {
    return this.#beginNs === undefined || !Number.isFinite(this.#endNs) ? 0 : this.#endNs - this.#beginNs;
  }
}
