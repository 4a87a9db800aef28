import type { FaultSet, Message } from "@vmcslab/faults";
import type { Clock } from "../clock.js";
import type { ConnectRequest, ConnectResponse } from "../generated/vmcslab/v1/interconnect.js";
import type { Link, LinkBroken, Transport } from "../interconnect/port.js";
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
 * come. Greetings and acknowledgements are not messages of the vocabulary; only a partition keeps them.
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
  /** What batches that were sent while a fault was active contain, by number: completions match by it. */
  readonly #methods = new Map<number, readonly string[]>();
  /** Batches whose next completion is lost. */
  readonly #lostReplies = new Set<number>();
  #open = true;

  constructor(
    transport: Transport,
    options: FaultyTransportOptions,
    receive: (frame: ConnectResponse) => void,
    broken: (cause: LinkBroken) => void,
  ) {
    this.#options = options;
    this.#out = new InOrder(options.clock);
    this.#in = new InOrder(options.clock);
    this.#link = transport.open(
      (frame) => this.#receive(frame, receive),
      // What was on its way arrives before the end of the connection, as TCP has it.
      (cause) =>
        this.#in.pass(() => {
          if (!this.#open) return;
          this.#open = false;
          broken(cause);
        }),
    );
  }

  send(frame: ConnectRequest): void {
    const { faults, isPartitioned, cpu, failBatch } = this.#options;
    if (isPartitioned(cpu)) return;
    const hand = (): void => {
      if (this.#open) this.#link.send(frame);
    };
    if (frame.frame?.$case !== "batch") {
      this.#out.pass(hand);
      return;
    }
    if (!faults.isActive) {
      this.#out.pass(hand);
      return;
    }
    const { id, instructions } = frame.frame.value;
    const number = Number(id);
    this.#remember(number, ["batch", ...new Set(instructions.flatMap((step) => step.instruction?.$case ?? []))]);
    const fate = carry(faults.decide(this.#message("batch", number)));
    if (fate.losesReply) this.#lostReplies.add(number);
    if (fate.error !== undefined) failBatch(number, fate.error.definite);
    this.#out.deliver(fate, hand);
  }

  close(): void {
    this.#open = false;
    this.#link.close();
  }

  #receive(frame: ConnectResponse, receive: (frame: ConnectResponse) => void): void {
    const { faults, isPartitioned, cpu } = this.#options;
    if (isPartitioned(cpu)) return;
    const hand = (): void => {
      if (this.#open) receive(frame);
    };
    if (frame.frame?.$case !== "completion") {
      this.#in.pass(hand);
      return;
    }
    const number = Number(frame.frame.value.id);
    if (this.#lostReplies.delete(number)) return;
    if (!faults.isActive) this.#in.pass(hand);
    else this.#in.deliver(carry(faults.decide(this.#message("completion", number))), hand);
  }

  #message(kind: "batch" | "completion", number: number): Message {
    const [, ...instructions] = this.#methods.get(number) ?? [];
    const cpu = `cpu${this.#options.cpu}`;
    const methods = [kind, ...instructions];
    return kind === "batch" ? { from: "l0", to: cpu, methods } : { from: cpu, to: "l0", methods };
  }

  /** Numbers grow, and what is far behind is completed. */
  #remember(number: number, methods: readonly string[]): void {
    this.#methods.set(number, methods);
    if (this.#methods.size <= REMEMBERED_MAX) return;
    const [oldest] = this.#methods.keys();
    if (oldest !== undefined) this.#methods.delete(oldest);
  }
}

const REMEMBERED_MAX = 4096;
