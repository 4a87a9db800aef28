/**
 * When a batch passed which point between L0 and its CPU. The cores read no clock: whoever carries batches and watches the processor says what time it was, and what it says travels
 * with the completion to the event that reports the clear.
 */
import type { ClearTiming } from "@vmcslab/history";
import type { Batch, Completion } from "./batch.js";

/** How a CPU came to execute a batch, in nanoseconds. */
export interface BatchTiming {
  /** The CPU's monotonic clock when the batch arrived there. */
  readonly receivedNs: number;
  /** From then until its first instruction. */
  readonly waitedNs: number;
  /** All its instructions. */
  readonly executedNs: number;
  /** Each VMCLEAR among them, in order. */
  readonly flushedNs: readonly number[];
}

/** What L0's end of the link saw of a batch, in nanoseconds of L0's monotonic clock. */
export interface LinkTiming {
  /** It was handed to the link, for the first time. */
  readonly handedNs: number;
  /** Its completion arrived. */
  readonly arrivedNs: number;
  /** The CPU reads the same clock. */
  readonly oneClock: boolean;
}

/** Watches a processor execute batches. It is told, in this order, and knows what time it is. */
export interface Stopwatch {
  begins(batch: Batch): void;
  vmclearBegins(): void;
  vmclearEnded(): void;
  /** What the completion is to say. */
  ended(): BatchTiming;
}

/** Whether it comes from another CPU, as a cross-CPU clear does: an interrupt comes first and the return from it last, which no other batch has. Only those are timed. */
export function isCrossCpuCall({ instructions }: Batch): boolean {
  return instructions[0]?.kind === "interrupt" && instructions.at(-1)?.kind === "resumeInterrupted";
}

/** L0's end of one session's link: remembers when batches were handed over until they are completed. */
export class LinkTimes {
  readonly #handedNs = new Map<number, number>();

  /** A batch goes out, perhaps once more: what it waits for being sent again is time on the wire. */
  handed(batch: Batch, clock: { nowNs(): number }): void {
    if (isCrossCpuCall(batch) && !this.#handedNs.has(batch.id)) this.#handedNs.set(batch.id, clock.nowNs());
  }

  /** Whether the completion with this number is one that is timed. */
  isTimed(id: number): boolean {
    return this.#handedNs.has(id);
  }

  /** The completion with what L0 saw of it. One that came before is not told again. */
  arrived(completion: Completion, nowNs: number, oneClock: boolean): Completion {
    const handedNs = this.#handedNs.get(completion.id);
    if (handedNs === undefined) return completion;
    this.#handedNs.delete(completion.id);
    const { id, cpu, results, timing } = completion;
    const link = { handedNs, arrivedNs: nowNs, oneClock };
    return timing === undefined ? { id, cpu, results, link } : { id, cpu, results, timing, link };
  }
}

/** How the clear went that is VMCLEAR number `index` of its batch. Undefined: nobody timed it. */
export function clearTiming({ timing, link }: Completion, index: number): ClearTiming | undefined {
  const flushedNs = timing?.flushedNs[index];
  if (timing === undefined || link === undefined || flushedNs === undefined) return undefined;
  const { handedNs, arrivedNs, oneClock } = link;
  const { receivedNs, waitedNs, executedNs } = timing;
  return { handedNs, arrivedNs, oneClock, receivedNs, waitedNs, executedNs, flushedNs };
}
