/** Which faults strike a message. One per run; whoever carries the messages asks it about each, and carries the decisions out. */

import { sampler } from "../distribution/quantile.js";
import { type Fault, isMessageFault, type MessageAction, type MessageFault } from "../fault.js";
import type { RandomStream } from "../random/random-stream.js";
import { Matcher, type Message } from "./matcher.js";

/** What a fault does to one message: as its action says, with the delay drawn. */
export type Decision = { readonly fault: MessageFault } & (
  | Exclude<MessageAction, { readonly kind: "delay" }>
  | { readonly kind: "delay"; readonly delayNs: number }
);

interface Armed {
  readonly fault: MessageFault;
  readonly matcher: Matcher;
  readonly decide: () => Decision;
  isActive: boolean;
  strikes: number;
}

const NONE: readonly Decision[] = [];

export class MessageFaults {
  readonly #armed: ReadonlyMap<Fault, Armed>;
  /** In the order in which they became active. */
  #active: readonly Armed[] = [];

  /**
   * `faults`: all of a run, those that are not about messages included. Each message fault draws from a fork of `random` of its own, called after its
   * name, or after its place if it has none: what one draws shifts no other.
   */
  constructor(faults: readonly Fault[], random: RandomStream) {
    this.#armed = new Map(
      faults.flatMap((fault, index) => {
        if (!isMessageFault(fault)) return [];
        const stream = random.fork(fault.name === undefined ? `fault ${index}` : `fault named ${fault.name}`);
        return [[fault, arm(fault, stream)] as const];
      }),
    );
  }

  /** Whether any fault is active: without one `decide` needs not be asked. */
  get isActive(): boolean {
    return this.#active.length > 0;
  }

  /**
   * From now on the fault's messages are counted, from 1. False when there is nothing to record: it is active already, is not
   * about messages, or can never strike (probability 0).
   */
  activate(fault: Fault): boolean {
    const armed = this.#armed.get(fault);
    if (armed === undefined || armed.isActive || armed.fault.match.probability === 0) return false;
    armed.isActive = true;
    armed.matcher.restart();
    this.#active = [...this.#active, armed];
    return true;
  }

  /** False when it was not active. */
  deactivate(fault: Fault): boolean {
    const armed = this.#armed.get(fault);
    if (armed === undefined || !armed.isActive) return false;
    armed.isActive = false;
    this.#active = this.#active.filter((other) => other !== armed);
    return true;
  }

  /** The faults that strike this message, in the order in which they became active. Allocates nothing unless one does. */
  decide(message: Message): readonly Decision[] {
    if (this.#active.length === 0) return NONE;
    let decisions: Decision[] | undefined;
    for (const armed of this.#active) {
      if (!armed.matcher.strikes(message)) continue;
      armed.strikes++;
      decisions ??= [];
      decisions.push(armed.decide());
    }
    return decisions ?? NONE;
  }

  /** How often a fault struck so far, over all its activations. */
  strikes(fault: Fault): number {
    return this.#armed.get(fault)?.strikes ?? 0;
  }
}

/** Two streams, so that how long delays are does not depend on how many messages were spared. */
function arm(fault: MessageFault, random: RandomStream): Armed {
  const matcher = new Matcher(fault.match, fault.action, random.fork("probability"));
  return { fault, matcher, decide: decider(fault, random.fork("delay")), isActive: false, strikes: 0 };
}

function decider(fault: MessageFault, random: RandomStream): () => Decision {
  const { action } = fault;
  if (action.kind !== "delay") {
    const decision: Decision = { fault, ...action };
    return () => decision;
  }
  const draw = sampler(action.delay);
  return () => ({ fault, kind: "delay", delayNs: draw(random) });
}
