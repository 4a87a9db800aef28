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
  readonly client: Pick<FaultClient, "inject" | "list" | "clear">;
  readonly nowNs: () => number;
  readonly after: (delayMs: number, callback: () => void) => { cancel(): void };
  /** It may be given to L0 when this has ended. Default: at once. */
  readonly ready?: Promise<void>;
  /** It states its events itself: the fault begins at an event that we do not see. */
  readonly isStatedThere: boolean;
  /** It acts. */
  readonly onActing?: () => void;
  /** It has ended by its own lease. */
  readonly onEnded?: (strikes: number) => void;
  readonly note: (text: string) => void;
}

/** What L0 knows of it: nothing, or there is nobody to ask. */
type Found = FaultStatus | "nothing" | "nobody";

export class RemoteFault {
  readonly #options: RemoteFaultOptions;
  readonly #name: string;
  readonly #endsNs: number;
  #timer: { cancel(): void } | undefined;
  /** It was seen to act. */
  isActing = false;
  #isOver = false;
  readonly #told = new Set<string>();
  /** An L0 has taken it. What one remembers of this name from before is another fault. */
  #isTaken = false;
  /** Strikes that were seen in this life of L0, and in those before. */
  #strikes = 0;
  #strikesBefore = 0;

  constructor(name: string, options: RemoteFaultOptions) {
    this.#options = options;
    this.#name = name;
    const { forNs = Number.POSITIVE_INFINITY, on } = options.fault;
    this.#endsNs = on === undefined ? options.nowNs() + forNs : Number.POSITIVE_INFINITY;
    void (options.ready ?? Promise.resolve())
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
    // It may have begun since it was looked for, which its end would not show.
    if (!this.isActing) this.#saw(await this.#find());
    const cleared = await client.clear([this.#name]);
    if (cleared.ok) this.#saw(cleared.value.find(({ name }) => name === this.#name) ?? (await this.#find()));
    return this.#strikesBefore + this.#strikes;
  }

  /** Sees to it that L0 has it, until it has ended there. */
  async #tend(): Promise<void> {
    const known = await this.#find();
    if (this.#isOver) return;
    this.#saw(known);
    if (known === "nothing" && this.#isTaken) {
      // The L0 that had it is dead, and if that is what it was for, the next one must not die of it.
      if (this.kind === "crashL0") {
        this.#acts();
        this.#strikes = 1;
        this.#ended();
        return;
      }
      this.#strikesBefore += this.#strikes;
      this.#strikes = 0;
      this.#isTaken = false;
    }
    const state = typeof known === "object" && this.#isTaken ? known.state : undefined;
    if (state === "ended") {
      this.#ended();
      return;
    }
    const isPiecewise = this.#options.fault.forNs === undefined;
    if (!this.#isTaken || (isPiecewise && state === "acting")) await this.#give();
    this.#tendLater();
  }

  #ended(): void {
    this.#isOver = true;
    this.#options.onEnded?.(this.#strikesBefore + this.#strikes);
  }

  #saw(known: Found): void {
    if (typeof known !== "object" || !this.#isTaken) return;
    this.#strikes = known.strikes;
    // Nobody but us clears it: one that has ended without us has acted.
    if (known.state === "acting" || (known.state === "ended" && (!this.#isOver || known.strikes > 0))) this.#acts();
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
      this.#isTaken = true;
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

  async #find(): Promise<Found> {
    const answer = await this.#options.client.list({ ended: true });
    if (!answer.ok) return "nobody";
    return answer.value.find(({ name }) => name === this.#name) ?? "nothing";
  }
}
