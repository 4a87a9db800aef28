import type { Batch, Completion, CpuReport } from "@vmcslab/nested";
import { batchFromWire } from "../codec/batch.js";
import { completionToWire } from "../codec/completion.js";
import { cpuReportToWire } from "../codec/cpu-report.js";
import { toNumber } from "../codec/numbers.js";
import type { ConnectRequest, ConnectResponse, Hello } from "../generated/vmcslab/v1/interconnect.js";
import type { LamportClock } from "../lamport.js";
import type { InterconnectTarget } from "./port.js";

/** The other end broke the protocol or is not the one we talk to. The stream ends with FAILED_PRECONDITION. */
export class ProtocolViolation extends Error {
  override readonly name = "ProtocolViolation";
}

/** The CPU may execute nothing for L0 now, because it holds no lease. The stream ends with UNAVAILABLE, and L0 connects again. */
export class NoLease extends Error {
  override readonly name = "NoLease";
}

/** The CPU's side of the conversation, whatever carries it. One per CPU; a {@link EndpointStream} per stream. */
export class InterconnectEndpoint {
  readonly target: InterconnectTarget;
  readonly lamport: LamportClock;
  /** Session of the newest L0 that said hello. */
  session = 0;
  /** Highest batch number executed in it. */
  executed = 0;
  /** Batch numbers up to here were acknowledged in it: their completions are gone. */
  acknowledged = 0;

  constructor(target: InterconnectTarget, lamport: LamportClock) {
    this.target = target;
    this.lamport = lamport;
  }

  connect(): EndpointStream {
    return new EndpointStream(this);
  }

  /** Throws {@link ProtocolViolation} when hello is meant for another CPU or comes from an L0 that has been replaced. What the CPU held, if the session took it over. */
  open(hello: Hello): CpuReport | undefined {
    const session = toNumber(hello.session, "session");
    const { cpu } = this.target;
    if (hello.cpu !== cpu) throw new ProtocolViolation(`this is CPU ${cpu}, not CPU ${hello.cpu}`);
    if (session < this.session) {
      throw new ProtocolViolation(`session ${session} was replaced by session ${this.session}`);
    }
    if (session > this.session) {
      this.executed = 0;
      this.acknowledged = 0;
    }
    this.session = session;
    return this.target.open(session, hello.takesOver);
  }

  acknowledge(upTo: number): void {
    if (upTo > this.executed) {
      throw new ProtocolViolation(`batch ${upTo} is acknowledged, the last executed is ${this.executed}`);
    }
    if (upTo <= this.acknowledged) return;
    this.acknowledged = upTo;
    this.target.acknowledge(upTo);
  }

  /** Throws {@link ProtocolViolation} for a batch that is not for this CPU. */
  execute(batch: Batch): readonly Completion[] {
    const { cpu } = this.target;
    if (batch.cpu !== cpu) throw new ProtocolViolation(`this is CPU ${cpu}, batch ${batch.id} is for CPU ${batch.cpu}`);
    // Sent again, or twice, and overtaken by what followed: L0 has its completion.
    if (batch.id <= this.acknowledged) return [];
    const completions = this.target.receive(batch);
    for (const { id } of completions) this.executed = Math.max(this.executed, id);
    return completions;
  }
}

/** One stream from L0. */
export class EndpointStream {
  readonly #endpoint: InterconnectEndpoint;
  #session: number | undefined;
  /** The CPU's life when the stream was opened: it is of no use to another. */
  readonly #incarnation: number;

  constructor(endpoint: InterconnectEndpoint) {
    this.#endpoint = endpoint;
    this.#incarnation = endpoint.target.incarnation;
  }

  /**
   * Takes a frame and gives the answers to it. Executes batches before it returns. Throws {@link ProtocolViolation}, {@link NoLease} or InvalidMessage; the
   * stream is of no use afterwards.
   */
  receive(request: ConnectRequest): readonly ConnectResponse[] {
    const { lamport } = this.#endpoint;
    this.#checkLife();
    lamport.witness(toNumber(request.lamport, "lamport"));
    const { frame } = request;
    if (frame?.$case === "hello") return [this.#hello(frame.value)];
    if (this.#session === undefined) throw new ProtocolViolation("the first frame must be hello");
    if (this.#session !== this.#endpoint.session) {
      throw new ProtocolViolation(`session ${this.#session} was replaced by session ${this.#endpoint.session}`);
    }
    this.#endpoint.acknowledge(toNumber(request.acknowledged, "acknowledged"));
    if (frame === undefined) return [];
    return this.#endpoint.execute(batchFromWire(frame.value)).map((completion) => ({
      lamport: BigInt(lamport.now),
      frame: { $case: "completion", value: completionToWire(completion) },
    }));
  }

  #checkLife(): void {
    const { target } = this.#endpoint;
    // First, because it may notice that the life is over.
    const isHeld = target.holdsLease();
    if (target.incarnation !== this.#incarnation) throw new ProtocolViolation(lifeOver(target.cpu, this.#incarnation));
    if (!isHeld) throw new NoLease(`CPU ${target.cpu} holds no lease yet`);
  }

  #hello(hello: Hello): ConnectResponse {
    if (this.#session !== undefined) throw new ProtocolViolation("hello may be said once");
    const report = this.#endpoint.open(hello);
    this.#session = this.#endpoint.session;
    const { target, executed, lamport } = this.#endpoint;
    return {
      lamport: BigInt(lamport.now),
      frame: {
        $case: "welcome",
        value: {
          cpu: target.cpu,
          incarnation: BigInt(target.incarnation),
          executed: BigInt(executed),
          report: report === undefined ? undefined : cpuReportToWire(report),
        },
      },
    };
  }
}

function lifeOver(cpu: number, incarnation: number): string {
  return `incarnation ${incarnation} of CPU ${cpu} is over`;
}
