import type { HistoryEvent } from "../event.js";

/** Which operations are in flight, and which vcpus they could touch. */
export class OpenOperations {
  readonly #open = new Map<number, HistoryEvent>();
  readonly #perVcpu = new Map<number, number>();
  /** Operations of no vcpu: they may touch all. */
  #hostWide = 0;

  begin(event: HistoryEvent): void {
    if (this.#open.has(event.operation)) return;
    this.#open.set(event.operation, event);
    this.#count(event, 1);
  }

  end(event: HistoryEvent): void {
    const begin = this.#open.get(event.operation);
    if (begin === undefined) return;
    this.#open.delete(event.operation);
    this.#count(begin, -1);
  }

  get(operation: number): HistoryEvent | undefined {
    return this.#open.get(operation);
  }

  values(): Iterable<HistoryEvent> {
    return this.#open.values();
  }

  get size(): number {
    return this.#open.size;
  }

  /** Nothing is in flight that could touch this vcpu's VMCSs. */
  isQuiet(vcpu: number | undefined): boolean {
    if (vcpu === undefined) return this.#open.size === 0;
    return this.#hostWide === 0 && !this.#perVcpu.has(vcpu);
  }

  clear(): void {
    this.#open.clear();
    this.#perVcpu.clear();
    this.#hostWide = 0;
  }

  #count({ vcpu }: HistoryEvent, change: number): void {
    if (vcpu === undefined) {
      this.#hostWide += change;
      return;
    }
    const count = (this.#perVcpu.get(vcpu) ?? 0) + change;
    if (count === 0) this.#perVcpu.delete(vcpu);
    else this.#perVcpu.set(vcpu, count);
  }
}
