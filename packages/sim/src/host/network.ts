import type { Message as FaultedMessage, MessageFaults, RandomStream } from "@vmcslab/faults";
import type { Scheduler } from "../engine/scheduler.js";
import { L0, type Message, methodsOf, type NodeId, nodeName } from "./messages.js";

export interface NetworkOptions {
  readonly scheduler: Scheduler;
  /** One way, in whole ns; asked once for each copy that is carried. `cpu`: the CPU at the other end from L0. */
  readonly latency: (random: RandomStream, message: Message, cpu: number) => number;
  /** Messages of one sender to one receiver arrive in the order in which they were sent, unless a fault says otherwise. */
  readonly inOrder: boolean;
  readonly random: RandomStream;
  readonly faults: Pick<MessageFaults, "isActive" | "decide">;
  readonly deliver: (from: NodeId, to: NodeId, message: Message) => void;
  /** The sender of a batch is told that it was not carried, or that nobody knows. */
  readonly failBatch: (session: number, id: number, definite: boolean) => void;
  readonly onMessage?: (record: MessageRecord) => void;
}

/** One message as it went, for whoever draws it. */
export interface MessageRecord {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: Message;
  readonly sentNs: number;
  /** Undefined: it was lost. */
  readonly arrivesNs: number | undefined;
  /** What faults did to it. */
  readonly fates: readonly string[];
}

const NO_FATES: readonly string[] = [];

/** The interconnect of a simulated host: one link per CPU and direction, with a latency, and whatever faults do to what travels. */
export class SimNetwork {
  readonly #options: NetworkOptions;
  /** When the last message of a link arrives, by the CPU's number; at its complement for the way back. */
  readonly #lastArrival = new Map<number, number>();
  readonly #streams = new Map<number, RandomStream>();
  #latestArrivalNs = 0;
  /** CPUs that are cut off, and by how many faults. */
  readonly #partitioned = new Map<number, number>();

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /** When the last message that is on its way arrives. */
  get latestArrivalNs(): number {
    return this.#latestArrivalNs;
  }

  partition(cpu: number): void {
    this.#partitioned.set(cpu, (this.#partitioned.get(cpu) ?? 0) + 1);
  }

  heal(cpu: number): void {
    const count = (this.#partitioned.get(cpu) ?? 0) - 1;
    if (count > 0) this.#partitioned.set(cpu, count);
    else this.#partitioned.delete(cpu);
  }

  send(from: NodeId, to: NodeId, message: Message): void {
    const cpu = from === L0 ? to : from;
    if (this.#partitioned.size > 0 && this.#partitioned.has(cpu)) {
      this.#observe(from, to, message, undefined, ["partition"]);
      return;
    }
    if (message.kind === "completion" && message.isLost === true) {
      this.#observe(from, to, message, undefined, ["dropReply"]);
      return;
    }
    if (this.#options.faults.isActive) this.#sendFaulted(from, to, message);
    else this.#carry(from, to, message, 0, this.#options.inOrder, NO_FATES);
  }

  #sendFaulted(from: NodeId, to: NodeId, message: Message): void {
    const described: FaultedMessage = { from: nodeName(from), to: nodeName(to), methods: methodsOf(message) };
    let delayNs = 0;
    let copies = 1;
    let isLost = false;
    let carried = message;
    let inOrder = this.#options.inOrder;
    const fates: string[] = [];
    for (const decision of this.#options.faults.decide(described)) {
      fates.push(decision.kind);
      switch (decision.kind) {
        case "dropRequest":
          isLost = true;
          break;
        case "dropReply":
          if (message.kind === "batch") carried = { ...message, losesReply: true };
          else isLost = true;
          break;
        case "delay":
          delayNs += decision.delayNs;
          break;
        case "reorder":
          delayNs += decision.byNs;
          inOrder = false;
          break;
        case "duplicate":
          copies += decision.copies;
          break;
        case "error":
          if (message.kind === "batch") this.#options.failBatch(message.session, message.batch.id, decision.definite);
          // Nobody knows: it may as well arrive.
          if (decision.definite) isLost = true;
          break;
      }
    }
    if (isLost) this.#observe(from, to, message, undefined, fates);
    else for (let copy = 0; copy < copies; copy++) this.#carry(from, to, carried, delayNs, inOrder, fates);
  }

  #carry(
    from: NodeId,
    to: NodeId,
    message: Message,
    extraNs: number,
    inOrder: boolean,
    fates: readonly string[],
  ): void {
    const { scheduler, latency } = this.#options;
    const link = from === L0 ? to : ~from;
    let arrivesNs = scheduler.nowNs + latency(this.#stream(link), message, from === L0 ? to : from) + extraNs;
    if (inOrder) {
      arrivesNs = Math.max(arrivesNs, this.#lastArrival.get(link) ?? 0);
      this.#lastArrival.set(link, arrivesNs);
    }
    this.#observe(from, to, message, arrivesNs, fates);
    if (arrivesNs > this.#latestArrivalNs) this.#latestArrivalNs = arrivesNs;
    const { deliver } = this.#options;
    scheduler.at(arrivesNs, () => deliver(from, to, message));
  }

  /** Every link has its own randomness, so that what happens on one shifts nothing on another. */
  #stream(link: number): RandomStream {
    let stream = this.#streams.get(link);
    if (stream === undefined) {
      stream = this.#options.random.fork(`link ${link}`);
      this.#streams.set(link, stream);
    }
    return stream;
  }

  #observe(from: NodeId, to: NodeId, message: Message, arrivesNs: number | undefined, fates: readonly string[]): void {
    const { onMessage, scheduler } = this.#options;
    onMessage?.({ from, to, message, sentNs: scheduler.nowNs, arrivesNs, fates });
  }
}
