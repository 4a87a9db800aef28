import { type Batch, type Completion, type CpuReport, isCrossCpuCall } from "@vmcslab/nested";
import { batchFromWire } from "../codec/batch.js";
import { completionToWire } from "../codec/completion.js";
import { cpuReportToWire } from "../codec/cpu-report.js";
import { InvalidMessage } from "../codec/invalid-message.js";
import { toNumber } from "../codec/numbers.js";
import { checkCount } from "../codec/ranges.js";
import type { ConnectRequest, ConnectResponse, Hello } from "../generated/vmcslab/v1/interconnect.js";
import type { LamportClock } from "../lamport.js";
import { LIMITS } from "../limits.js";
import type { InterconnectTarget } from "./port.js";

/** L0 allows its CPUs twice as much, so that what a CPU has adopted does not part it from L0. */
const AHEAD_DAYS = 1;

/** The other end broke the protocol or is not the one we talk to. The stream ends with FAILED_PRECONDITION. */
export class ProtocolViolation extends Error {
  override readonly name = "ProtocolViolation";
}

/** The CPU may execute nothing for L0 now, because it holds no lease. The stream ends with UNAVAILABLE, and L0 connects again. */
export class NoLease extends Error {
  override readonly name = "NoLease";
  /** `incarnation`: the life that has none. L0 learns from it that an earlier one is over. */
  constructor(
    cpu: number,
    readonly incarnation: number,
  ) {
    super(`CPU ${cpu} holds no lease yet`);
  }
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
  /** How much the completions hold that were not acknowledged, by their numbers. */
  readonly #held = new Map<number, number>();
  #heldTotal = 0;

  constructor(target: InterconnectTarget, lamport: LamportClock) {
    this.target = target;
    this.lamport = lamport;
  }

  connect(): EndpointStream {
    return new EndpointStream(this);
  }

  /**
   * Throws {@link ProtocolViolation} when hello is meant for another CPU or comes from an L0 that has been replaced. What the CPU held, if the session took it over.
   * `sent`: L0's clock.
   */
  open(hello: Hello, sent: number): CpuReport | undefined {
    const session = toNumber(hello.session, "session");
    if (session === 0) throw new InvalidMessage("session 0: sessions are above it");
    const { cpu } = this.target;
    if (hello.cpu !== cpu) throw new ProtocolViolation(`this is CPU ${cpu}, not CPU ${hello.cpu}`);
    if (session < this.session) {
      throw new ProtocolViolation(`session ${session} was replaced by session ${this.session}`);
    }
    this.lamport.witness(sent);
    if (session > this.session) {
      this.executed = 0;
      this.acknowledged = 0;
      this.#held.clear();
      this.#heldTotal = 0;
    }
    this.session = session;
    return this.target.open(session, hello.takesOver);
  }

  acknowledge(upTo: number): void {
    if (upTo > this.executed) {
      throw new ProtocolViolation(`batch ${upTo} is acknowledged, the last executed is ${this.executed}`);
    }
    if (upTo <= this.acknowledged) return;
    for (let id = this.acknowledged + 1; id <= upTo; id++) {
      this.#heldTotal -= this.#held.get(id) ?? 0;
      this.#held.delete(id);
    }
    this.acknowledged = upTo;
    this.target.acknowledge(upTo);
  }

  /** Throws {@link ProtocolViolation} for a batch that is not for this CPU, is too far ahead, or comes from an L0 that acknowledges nothing. */
  execute(batch: Batch): readonly Completion[] {
    const { cpu, stopwatch } = this.target;
    if (batch.cpu !== cpu) throw new ProtocolViolation(`this is CPU ${cpu}, batch ${batch.id} is for CPU ${batch.cpu}`);
    // Sent again, or twice, and overtaken by what followed: L0 has its completion.
    if (batch.id <= this.acknowledged) return [];
    this.#checkRoom(batch.id);
    const completions = this.target.receive(batch);
    for (const completion of completions) this.#executed(completion);
    stopwatch?.forget(this.executed);
    return completions;
  }

  /** What waits for an earlier batch, and what was completed, is kept: neither without end. */
  #checkRoom(id: number): void {
    if (id > this.executed + LIMITS.earlyBatches.max)
      throw new ProtocolViolation(
        `batch ${id} is more than ${LIMITS.earlyBatches.max} ahead of ${this.executed}, the last one executed`,
      );
    if (id > this.executed && this.#heldTotal > LIMITS.unacknowledged.max)
      throw new ProtocolViolation(
        `completions with ${this.#heldTotal} results are not acknowledged, ${LIMITS.unacknowledged.max} at most: acknowledge what was received`,
      );
  }

  #executed(completion: Completion): void {
    const { id } = completion;
    this.executed = Math.max(this.executed, id);
    if (this.#held.has(id)) return;
    const size = sizeOf(completion);
    this.#held.set(id, size);
    this.#heldTotal += size;
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
    const { lamport, target } = this.#endpoint;
    const receivedNs = target.stopwatch?.clock.nowNs() ?? 0;
    this.#checkLife();
    const sent = toNumber(request.lamport, "lamport");
    lamport.check(sent, AHEAD_DAYS);
    const { frame } = request;
    if (frame?.$case === "hello") return [this.#hello(frame.value, sent)];
    if (this.#session === undefined) throw new ProtocolViolation("the first frame must be hello");
    if (this.#session !== this.#endpoint.session) {
      throw new ProtocolViolation(`session ${this.#session} was replaced by session ${this.#endpoint.session}`);
    }
    // Of whoever has not said who it is, or is L0 no more, not even the clock counts.
    lamport.witness(sent);
    this.#endpoint.acknowledge(toNumber(request.acknowledged, "acknowledged"));
    if (frame === undefined) return [];
    if (frame.$case === "batch") {
      const completions = this.#execute(batchFromWire(frame.value), receivedNs);
      return completions.map((completion) => ({
        lamport: BigInt(lamport.now),
        frame: { $case: "completion", value: completionToWire(completion) },
      }));
    }
    const { batches } = frame.value;
    checkCount(batches.length, LIMITS.batchesPerFrame, "batches of a frame", 1);
    // Nothing is executed of a frame in which something is wrong.
    const completions = batches.map(batchFromWire).flatMap((batch) => this.#execute(batch, receivedNs));
    if (completions.length === 0) return [];
    const value = { completions: completions.map(completionToWire) };
    return [{ lamport: BigInt(lamport.now), frame: { $case: "completions", value } }];
  }

  #execute(batch: Batch, receivedNs: number): readonly Completion[] {
    if (isCrossCpuCall(batch)) this.#endpoint.target.stopwatch?.received(batch.id, receivedNs);
    return this.#endpoint.execute(batch);
  }

  #checkLife(): void {
    const { target } = this.#endpoint;
    // First, because it may notice that the life is over.
    const isHeld = target.holdsLease();
    if (target.incarnation !== this.#incarnation) throw new ProtocolViolation(lifeOver(target.cpu, this.#incarnation));
    if (!isHeld) throw new NoLease(target.cpu, target.incarnation);
  }

  #hello(hello: Hello, sent: number): ConnectResponse {
    if (this.#session !== undefined) throw new ProtocolViolation("hello may be said once");
    const report = this.#endpoint.open(hello, sent);
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
          clock: target.stopwatch?.clock.id ?? "",
          batchesPerFrame: LIMITS.batchesPerFrame.max,
        },
      },
    };
  }
}

/** Results, and the field values in them. */
function sizeOf({ results }: Completion): number {
  return results.reduce((size, { fields }) => size + 1 + (fields?.encodings.length ?? 0), 0);
}

function lifeOver(cpu: number, incarnation: number): string {
  return `incarnation ${incarnation} of CPU ${cpu} is over`;
}
