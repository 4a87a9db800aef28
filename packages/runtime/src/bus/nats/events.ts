/** Events as they lie in the JetStream stream, one by one, for tests and tools. */
import type { HistoryEvent } from "@vmcslab/history";
import type { Clock } from "../../clock.js";
import { eventBatchFromWire } from "../../codec/event.js";
import type { EventBatch as WireEventBatch } from "../../generated/vmcslab/v1/events.js";
import type { EventSource } from "../port.js";
import type { NatsLogin } from "./login.js";
import { natsSource } from "./source.js";

export interface NatsEventsOptions {
  readonly url: string;
  readonly login?: NatsLogin;
  readonly clock: Clock;
  /** Ends the events. */
  readonly signal?: AbortSignal;
}

/** Every event of the stream from its beginning, then those that are published, without end. Rejects when the server does not answer or has no JetStream. */
export async function* natsEvents({ url, login, clock, signal }: NatsEventsOptions): AsyncGenerator<HistoryEvent> {
  const handover = new Handover();
  const end = (): void => handover.end();
  signal?.addEventListener("abort", end, { once: true });
  if (signal?.aborted === true) end();
  let source: EventSource | undefined;
  try {
    source = await natsSource(
      { url, ...(login === undefined ? {} : { login }), clock, begin: "first", onMalformed: () => undefined },
      (batch) => handover.give(batch),
    );
    for (let batch = await handover.take(); batch !== undefined; batch = await handover.take()) {
      yield* eventBatchFromWire(batch).events;
    }
  } finally {
    signal?.removeEventListener("abort", end);
    handover.end();
    await source?.close();
  }
}

/** One batch at a time: who gives waits until it is taken. */
class Handover {
  #given: { batch: WireEventBatch; taken: () => void } | undefined;
  #waiting: ((batch: WireEventBatch | undefined) => void) | undefined;
  #ended = false;

  give(batch: WireEventBatch): Promise<void> {
    if (this.#ended) return Promise.resolve();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) {
      waiting(batch);
      return Promise.resolve();
    }
    return new Promise((taken) => {
      this.#given = { batch, taken };
    });
  }

  take(): Promise<WireEventBatch | undefined> {
    const given = this.#given;
    this.#given = undefined;
    given?.taken();
    if (given !== undefined || this.#ended) return Promise.resolve(given?.batch);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  end(): void {
    this.#ended = true;
    this.#given?.taken();
    this.#given = undefined;
    this.#waiting?.(undefined);
    this.#waiting = undefined;
  }
}
