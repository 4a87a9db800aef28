import { type Clock, within } from "../../clock.js";
import type { Logger } from "../../logger.js";
import type { BatchFate, EventBatch, EventSink } from "../port.js";
import { recoverLives } from "./recover.js";
import type { Spool } from "./spool.js";

const ROOM_DELAY_MS = 20;
/** A process that still lives an earlier life may be killed later. */
const AGAIN_DELAY_MS = 2000;

export interface RecoveryOptions {
  readonly spool: Spool;
  readonly directory: string;
  readonly host: string;
  readonly source: string;
  readonly sink: EventSink;
  /** Of the events that the sink buffers at most, recovered ones take no more than half. */
  readonly bufferedEvents: number;
  readonly clock: Clock;
  readonly logger: Pick<Logger, "info" | "warn">;
}

/** Publishes what earlier lives of a source left, beside what this one publishes and never at its expense. */
export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #stop = new AbortController();
  readonly #stopped: Promise<"stopped">;
  readonly #firstPass: Promise<boolean>;

  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#stopped = new Promise((resolve) =>
      this.#stop.signal.addEventListener("abort", () => resolve("stopped"), { once: true }),
    );
    this.#firstPass = this.#recover();
  }

  /** Waits until everything was published that there was to recover at the start, at most `timeoutMs`. Says whether it was. */
  async done(timeoutMs: number): Promise<boolean> {
    return (await within(this.#options.clock, timeoutMs, this.#firstPass)) && (await this.#firstPass);
  }

  /** Gives up what was not published yet; its files stay. */
  stop(): void {
    this.#stop.abort();
  }

  /** Says whether it could be read. */
  async #recover(): Promise<boolean> {
    const { spool, logger, clock } = this.#options;
    try {
      const isOwn = (incarnation: number): boolean => spool.isOwn(incarnation);
      const publish = (batch: EventBatch): Promise<void> => this.#deliver(batch);
      const { stillLived } = await recoverLives({ ...this.#options, isOwn, publish });
      if (stillLived > 0) void clock.sleep(AGAIN_DELAY_MS, this.#stop.signal).then(() => this.#again());
      return true;
    } catch (thrown) {
      if (thrown instanceof Stopped) return false;
      logger.warn({ err: thrown }, "what earlier lives left in their spools cannot be published");
      return false;
    }
  }

  async #again(): Promise<void> {
    if (!this.#stop.signal.aborted) await this.#recover();
  }

  async #deliver(batch: EventBatch): Promise<void> {
    const { sink, bufferedEvents, clock } = this.#options;
    const { signal } = this.#stop;
    for (;;) {
      if (signal.aborted) throw new Stopped();
      if (sink.buffered + batch.events.length <= bufferedEvents / 2) {
        const settled = new Promise<BatchFate>((resolve) => sink.publish(batch, resolve));
        const fate = await Promise.race([settled, this.#stopped]);
        if (fate === "delivered") return;
      }
      await clock.sleep(ROOM_DELAY_MS, signal);
    }
  }
}

class Stopped extends Error {
  override readonly name = "Stopped";
}
