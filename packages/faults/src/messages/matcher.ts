import type { FaultMatch, MessageAction } from "../fault.js";
import type { RandomStream } from "../random/random-stream.js";

/** A message on its way between L0 and a CPU. */
export interface Message {
  /** `l0`, `cpu0`, `cpu1`, … */
  readonly from: string;
  readonly to: string;
  /** Its kind first (`batch`, `completion`, `beat`, `grant`); behind it, for a batch, the instructions in it. */
  readonly methods: readonly string[];
}

/** Counts the messages that a fault is about, and says which of them it strikes. */
export class Matcher {
  readonly #match: FaultMatch;
  readonly #isForRequests: boolean;
  readonly #random: RandomStream;
  #counted = 0;

  constructor(match: FaultMatch, action: MessageAction, random: RandomStream) {
    this.#match = match;
    this.#isForRequests = action.kind === "dropReply" || action.kind === "error";
    this.#random = random;
  }

  /** Counts from 1 again. The stream goes on where it was. */
  restart(): void {
    this.#counted = 0;
  }

  strikes(message: Message): boolean {
    const { from, to, method, nth, every, probability = 1 } = this.#match;
    if (!isParty(from, message.from) || !isParty(to, message.to)) return false;
    if (method !== undefined && !message.methods.includes(method)) return false;
    if (this.#isForRequests && isReply(message)) return false;
    this.#counted++;
    if (nth !== undefined && this.#counted !== nth) return false;
    if (every !== undefined && this.#counted % every !== 0) return false;
    return probability >= 1 || this.#random.unit() < probability;
  }
}

/** `cpu` stands for every CPU. */
function isParty(wanted: string | undefined, party: string): boolean {
  return wanted === undefined || wanted === party || (wanted === "cpu" && party.startsWith("cpu"));
}

function isReply({ methods: [kind] }: Message): boolean {
  return kind === "completion" || kind === "grant";
}
