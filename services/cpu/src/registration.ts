import { type Clock, L0Client, type Logger } from "@vmcslab/runtime";
import type { Board } from "./board.js";

const HEARTBEAT_MS = 1000;
const CALL_TIMEOUT_MS = 1000;
const RETRY_DELAY_MS_MIN = 50;
const RETRY_DELAY_MS_MAX = 1000;

export interface RegistrationOptions {
  readonly board: Board;
  /** host:port of L0. */
  readonly l0Address: string;
  /** host:port under which L0 reaches us. */
  readonly address: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether L0 can use this CPU, each time that changes. */
  readonly onReady: (ready: boolean) => void;
}

/** Registers with L0, then says once a second that the CPU is there, so that an L0 that restarts learns of it too. */
export class Registration {
  readonly #options: RegistrationOptions;
  readonly #client: L0Client;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  #ready = false;

  constructor(options: RegistrationOptions) {
    this.#options = options;
    this.#client = new L0Client(options.l0Address);
    this.#ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#client.close();
    await this.#ended;
  }

  async #run(): Promise<void> {
    let retryDelayMs = RETRY_DELAY_MS_MIN;
    while (!this.#stop.signal.aborted) {
      const ready = await this.#register();
      if (this.#stop.signal.aborted) return;
      this.#tell(ready);
      await this.#options.clock.sleep(ready ? HEARTBEAT_MS : retryDelayMs, this.#stop.signal);
      retryDelayMs = ready ? RETRY_DELAY_MS_MIN : Math.min(retryDelayMs * 2, RETRY_DELAY_MS_MAX);
    }
  }

  async #register(): Promise<boolean> {
    const { board, address } = this.#options;
    const { cpu, incarnation, model } = board;
    const answer = await this.#client.registerCpu({ cpu, incarnation, address, model: model.name }, CALL_TIMEOUT_MS);
    return answer.ok && answer.value;
  }

  #tell(ready: boolean): void {
    if (ready === this.#ready) return;
    this.#ready = ready;
    const { logger, l0Address, onReady } = this.#options;
    logger.info({ l0: l0Address }, ready ? "registered with L0" : "L0 does not answer or cannot use this CPU");
    onReady(ready);
  }
}
