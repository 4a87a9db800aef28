import type { FaultSet, Message } from "@vmcslab/faults";
import type { Clock } from "../clock.js";
import type { ConnectRequest, ConnectResponse } from "../generated/vmcslab/v1/interconnect.js";
import type { Link, LinkBroken, Transport } from "../interconnect/port.js";
import { BatchContents } from "./batch-contents.js";
import { carry, InOrder } from "./carry.js";

export interface FaultyTransportOptions {
  readonly cpu: number;
  readonly faults: Pick<FaultSet, "isActive" | "decide">;
  /** Whether the CPU and L0 are cut off from each other now. */
  readonly isPartitioned: (cpu: number) => boolean;
  readonly clock: Clock;
  /** The link could not carry this batch, or does not know whether it did. */
  readonly failBatch: (id: number, definite: boolean) => void;
}

/**
 * A transport on which faults strike what travels. L0 is one end of every link, so both directions are struck here: batches before they are sent, completions when they have
 * come. Greetings and acknowledgements are not messages of the vocabulary; only a partition keeps them. A link whose greeting it keeps is broken, as one that cannot be
 * established: nobody greets twice on a link.
 */
export function faultyTransport(transport: Transport, options: FaultyTransportOptions): Transport {
  return {
    open: (receive, broken) => new FaultyLink(transport, options, receive, broken),
    close: () => transport.close(),
  };
}

class FaultyLink implements Link {
  readonly #options: FaultyTransportOptions;
  readonly #link: Link;
  readonly #out: InOrder;
  readonly #in: InOrder;
  /** What the last batches contain: completions match by it, also by faults that begin in between. */
  readonly #contents = new BatchContents();
  /** How many of the next completions of a batch are lost. */
  readonly #lostReplies = new Map<number, number>();
  readonly #broken: (cause: LinkBroken) => void;
  #open = true;

  constructor(
    transport: Transport,
    options: FaultyTransportOptions,
    receive: (frame: ConnectResponse) => void,
    broken: (cause: LinkBroken) => void,
  ) {
    this.#options = options;
    this.#broken = broken;
    this.#out = new InOrder(options.clock);
    this.#in = new InOrder(options.clock);
    this.#link = transport.open(
      (frame) => this.#receive(frame, receive),
      // What was on its way arrives before the end of the connection, as TCP has it.
      (cause) => this.#in.pass(() => this.#break(cause)),
    );
  }

  send(frame: ConnectRequest): void {
    const { faults, isPartitioned, cpu, failBatch } = this.#options;
    if (isPartitioned(cpu)) {
      if (frame.frame?.$case === "hello") this.#failToOpen();
      return;
    }
    if (frame.frame?.$case === "batch") this.#contents.remember(frame.frame.value);
    const hand = (): void => {
      if (this.#open) this.#link.send(frame);
    };
    if (frame.frame?.$case !== "batch" || !faults.isActive) {
      this.#out.pass(hand);
      return;
    }
    const number = Number(frame.frame.value.id);
    const fate = carry(faults.decide(this.#message("batch", number)));
    if (fate.losesReply && !fate.isLost)
      this.#lostReplies.set(number, (this.#lostReplies.get(number) ?? 0) + fate.copies);
    if (fate.error !== undefined) failBatch(number, fate.error.definite);
    this.#out.deliver(fate, hand);
  }

  close(): void {
    this.#end();
    this.#link.close();
  }

  #break(cause: LinkBroken): void {
    if (!this.#open) return;
    this.#end();
    this.#broken(cause);
  }

  #failToOpen(): void {
    const { cpu, clock } = this.#options;
    clock.after(0, () => {
      if (!this.#open) return;
      this.#link.close();
      this.#break({ message: `CPU ${cpu} and L0 are cut off from each other`, refused: false, gone: false });
    });
  }

  /** What was held back is lost with the link. */
  #end(): void {
    this.#open = false;
    this.#out.close();
    this.#in.close();
  }

  #receive(frame: ConnectResponse, receive: (frame: ConnectResponse) => void): void {
    const { faults, isPartitioned, cpu } = this.#options;
    if (isPartitioned(cpu)) {
      if (frame.frame?.$case === "welcome") this.#failToOpen();
      return;
    }
    if (frame.frame?.$case === "completions") {
      // What came together is struck one by one.
      const { lamport } = frame;
      for (const value of frame.frame.value.completions)
        this.#receive({ lamport, frame: { $case: "completion", value } }, receive);
      return;
    }
    const hand = (): void => {
      if (this.#open) receive(frame);
    };
    if (frame.frame?.$case !== "completion") {
      this.#in.pass(hand);
      return;
    }
    const number = Number(frame.frame.value.id);
    if (this.#losesReply(number)) return;
    if (!faults.isActive) this.#in.pass(hand);
    else this.#in.deliver(carry(faults.decide(this.#message("completion", number))), hand);
  }

  #message(kind: "batch" | "completion", number: number): Message {
    const cpu = `cpu${this.#options.cpu}`;
    const methods = [kind, ...this.#contents.of(number)];
    return kind === "batch" ? { from: "l0", to: cpu, methods } : { from: cpu, to: "l0", methods };
  }

  #losesReply(number: number): boolean {
    const left = this.#lostReplies.get(number);
    if (left === undefined) return false;
    if (left > 1) this.#lostReplies.set(number, left - 1);
    else this.#lostReplies.delete(number);
    return true;
  }
}
