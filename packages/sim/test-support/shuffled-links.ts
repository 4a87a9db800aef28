import type { Links } from "../src/board.js";

type Arrive = () => void;

/** Links whose every delivery is chosen: one queue per CPU and direction, and whoever drives them says which delivers next. */
export class ShuffledLinks implements Links {
  readonly #queues = new Map<string, Arrive[]>();
  #isInstant = false;

  toCpu(cpu: number, arrive: Arrive): void {
    this.#add(`to ${cpu}`, arrive);
  }

  fromCpu(cpu: number, arrive: Arrive): void {
    this.#add(`from ${cpu}`, arrive);
  }

  /** Delivers the first of one queue that has any. */
  deliver(choice: number): void {
    const waiting = [...this.#queues.values()].filter((queue) => queue.length > 0);
    waiting[choice % Math.max(waiting.length, 1)]?.shift()?.();
  }

  drain(): void {
    while ([...this.#queues.values()].some((queue) => queue.length > 0)) this.deliver(0);
  }

  becomeInstant(): void {
    this.drain();
    this.#isInstant = true;
  }

  #add(name: string, arrive: Arrive): void {
    if (this.#isInstant) {
      arrive();
      return;
    }
    const queue = this.#queues.get(name) ?? [];
    this.#queues.set(name, queue);
    queue.push(arrive);
  }
}
