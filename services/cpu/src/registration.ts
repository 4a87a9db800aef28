import { type Clock, type Credentials, L0Client, type Logger, within } from "@vmcslab/runtime";
import type { Board } from "./board.js";
import type { CpuLife } from "./life.js";

const BEAT_MS_MAX = 1000;
/** So many beats go into a lease: as many may be lost or late, less one. */
const BEATS_PER_LEASE = 4;
const CALL_TIMEOUT_MS_MAX = 1000;
const RETRY_DELAY_MS_MIN = 50;

export interface RegistrationOptions {
  readonly board: Board;
  readonly life: CpuLife;
  /** host:port of L0. */
  readonly l0Address: string;
  /** host:port under which L0 reaches us. */
  readonly address: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly credentials: Credentials;
  /** Whether L0 can use this CPU, each time that changes. */
  readonly onReady: (ready: boolean) => void;
}

/** Registers with L0, then says from time to time that the CPU is there: so its lease is renewed, and an L0 that restarts learns of it too. */
export class Registration {
  readonly #options: RegistrationOptions;
  readonly #client: L0Client;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  #ready = false;
  #wake = new AbortController();

  constructor(options: RegistrationOptions) {
    this.#options = options;
    this.#client = new L0Client(options.l0Address, options.credentials);
    this.#ended = this.#run();
  }

  /** A new life of the CPU has begun: L0 cannot use it until it has registered. */
  begin(): void {
    this.#tell(false);
    this.#wake.abort();
  }

  /** Asks L0 to take its VMCSs from this CPU and to use it no more; it goes on saying that it is there meanwhile. Ends when L0 has, after `timeoutMs` in any case. */
  async leave(timeoutMs: number): Promise<void> {
    const { board, clock, logger } = this.#options;
    if (!this.#ready || timeoutMs === 0 || this.#stop.signal.aborted) return;
    const leaving = this.#client.offlineCpu(board.cpu).then((answer) => {
      if (answer.ok) logger.info({ vmcss: answer.value }, "L0 has taken its VMCSs from this CPU");
      else logger.warn({ error: answer.error }, "L0 did not take its VMCSs from this CPU: they are lost with it");
    });
    if (!(await within(clock, timeoutMs, leaving)))
      logger.warn({ timeoutMs }, "L0 does not answer in time: what is cached on this CPU is lost with it");
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake.abort();
    this.#client.close();
    await this.#ended;
  }

  async #run(): Promise<void> {
    let retryDelayMs = RETRY_DELAY_MS_MIN;
    while (!this.#stop.signal.aborted) {
      const ready = await this.#register();
      if (this.#stop.signal.aborted) return;
      this.#tell(ready);
      this.#wake = new AbortController();
      const beatMs = this.#beatMs;
      await this.#options.clock.sleep(ready ? beatMs : Math.min(retryDelayMs, beatMs), this.#wake.signal);
      retryDelayMs = ready ? RETRY_DELAY_MS_MIN : Math.min(retryDelayMs * 2, BEAT_MS_MAX);
    }
  }

  async #register(): Promise<boolean> {
    const { board, life, address } = this.#options;
    const { cpu, model } = board;
    const beat = life.beat();
    const { incarnation } = beat;
    const answer = await this.#client.registerCpu({ cpu, incarnation, address, model: model.name }, this.#timeoutMs);
    if (!answer.ok) return false;
    life.answered(beat, answer.value);
    return answer.value.ready && incarnation === life.incarnation;
  }

  get #beatMs(): number {
    const { leaseMs } = this.#options.life;
    return leaseMs === 0 ? BEAT_MS_MAX : Math.min(BEAT_MS_MAX, leaseMs / BEATS_PER_LEASE);
  }

  /** An answer that comes later than half the lease is not worth waiting for: the next one grants more. */
  get #timeoutMs(): number {
    const { leaseMs } = this.#options.life;
    return leaseMs === 0 ? CALL_TIMEOUT_MS_MAX : Math.min(CALL_TIMEOUT_MS_MAX, leaseMs / 2);
  }

  #tell(ready: boolean): void {
    if (ready === this.#ready) return;
    this.#ready = ready;
    const { logger, l0Address, onReady } = this.#options;
    logger.info({ l0: l0Address }, ready ? "registered with L0" : "L0 does not answer or cannot use this CPU");
    onReady(ready);
  }
}
