/** One fault that L0 holds for us. L0 may die and forget it: then it is given to the next L0, for what is left of its lease. */
import type { Fault, FaultKind } from "@vmcslab/faults";
import type { FaultClient, FaultStatus } from "@vmcslab/runtime";

/** What lasts as long as the workload is leased in pieces, so that it ends when this process is gone. */
const PIECE_NS = 5e9;
const TEND_MS = 500;

export interface RemoteFaultOptions {
  /** With a name of its own, and without a start unless it begins at an event. */
  readonly fault: Fault;
  readonly seed: string;
  readonly client: FaultClient;
  readonly nowNs: () => number;
  readonly after: (delayMs: number, callback: () => void) => { cancel(): void };
  /** It may be given to L0 when this has ended. */
  readonly ready: Promise<void>;
  /** It states its events itself: the fault begins at an event that we do not see. */
  readonly isStatedThere: boolean;
  /** It acts. */
  readonly onActing?: () => void;
  /** It has ended by its own lease. */
  readonly onEnded?: (strikes: number) => void;
  readonly note: (text: string) => void;
}

export class RemoteFault {
  readonly #options: RemoteFaultOptions;
  readonly #name: string;
  readonly #endsNs: number;
  #timer: { cancel(): void } | undefined;
  /** It was seen to act. */
  isActing = false;
  #isOver = false;
  /** L0 has said that it has it. */
  #isHeld = false;
  /** It answered when it was last asked. */
  #isAnswered = false;
  readonly #told = new Set<string>();

  constructor(name: string, options: RemoteFaultOptions) {
    this.#options = options;
    this.#name = name;
    const { forNs = Number.POSITIVE_INFINITY, on } = options.fault;
    this.#endsNs = on === undefined ? options.nowNs() + forNs : Number.POSITIVE_INFINITY;
    void options.ready
      .catch((error: unknown) => options.note(error instanceof Error ? error.message : String(error)))
      .then(() => (this.#isOver ? undefined : this.#give()))
      .then(() => this.#tendLater());
  }

  get kind(): FaultKind {
    return this.#options.fault.action.kind;
  }

  /** Ends it, wherever it is by now; how often it struck. */
  async end(): Promise<number> {
    this.#isOver = true;
    this.#timer?.cancel();
    const { client } = this.#options;
    const cleared = await client.clear([this.#name]);
    if (!cleared.ok) return 0;
    const known = cleared.value.find(({ name }) => name === this.#name) ?? (await this.#find());
    return known?.strikes ?? 0;
  }

  /** Sees to it that L0 has it, until it has ended there. */
  async #tend(): Promise<void> {
    const known = await this.#find();
    if (this.#isOver) return;
    if (known?.state === "ended") {
      this.#isOver = true;
      this.#options.onEnded?.(known.strikes);
      return;
    }
    if (known?.state === "acting") this.#acts();
    // An L0 that was to die and does not know of it any more has died: the next one must not.
    if (known === undefined && this.kind === "crashL0" && this.#isHeld) {
      if (this.#isAnswered) this.#died();
      else this.#tendLater();
      return;
    }
    const isPiecewise = this.#options.fault.forNs === undefined;
    if (known === undefined || (isPiecewise && known.state === "acting")) await this.#give();
    this.#tendLater();
  }

  #died(): void {
    this.#isOver = true;
    this.#acts();
    this.#options.onEnded?.(1);
  }

  #tendLater(): void {
    if (!this.#isOver) this.#timer = this.#options.after(TEND_MS, () => void this.#tend());
  }

  async #give(): Promise<void> {
    const { fault, seed, client, isStatedThere } = this.#options;
    const forNs = this.#leaseNs;
    if (forNs <= 0) return;
    const answer = await client.inject({ ...fault, name: this.#name, forNs }, { seed, isStated: !isStatedThere });
    if (answer.ok) {
      this.#isHeld = true;
      for (const text of answer.value.notes) this.#tell(`fault ${this.#name}: ${text}`);
      if (answer.value.state === "acting") this.#acts();
      return;
    }
    // Whoever is down may be back by the next time.
    const { code, message } = answer.error;
    if (code === "failedPrecondition" || code === "invalidArgument")
      this.#tell(`fault ${this.#name} was refused: ${message}`);
  }

  get #leaseNs(): number {
    const { forNs, on } = this.#options.fault;
    if (forNs === undefined) return PIECE_NS;
    return on === undefined ? this.#endsNs - this.#options.nowNs() : forNs;
  }

  #acts(): void {
    if (this.isActing) return;
    this.isActing = true;
    this.#options.onActing?.();
  }

  #tell(text: string): void {
    if (!this.#told.has(text)) this.#options.note(text);
    this.#told.add(text);
  }

  async #find(): Promise<FaultStatus | undefined> {
    const answer = await this.#options.client.list({ ended: true });
    this.#isAnswered = answer.ok;
    return answer.ok ? answer.value.find(({ name }) => name === this.#name) : undefined;
  }
}
