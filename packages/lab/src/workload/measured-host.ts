/** The host as a workload uses it: every operation timed under its name, every failure noted. */
import type {
  Answer,
  GuestExitAnswer,
  GuestExitRequest,
  L1Instruction,
  L1Outcome,
  NestedState,
  OperationError,
} from "@vmcslab/nested";
import type { FaultImpact } from "../faults/impact.js";
import type { Host } from "../host.js";
import type { LatencyRecorder } from "../measure/latency.js";
import type { OperationName } from "../measure/operations.js";
import type { Warmup } from "../measure/warmup.js";
import type { Findings } from "./findings.js";

/** L0 did not carry out an operation; it is in the findings. Unless it recovers, the vcpu it was for can do no more. */
export class OperationFailed extends Error {
  override readonly name = "OperationFailed";

  constructor(
    readonly operation: string,
    readonly error: OperationError,
  ) {
    super(`${operation}: ${error.message}`);
  }
}

export interface MeasuredHostOptions {
  readonly host: Host;
  readonly latencies: LatencyRecorder;
  readonly findings: Findings;
  /** Monotonic, in nanoseconds. */
  readonly nowNs: () => number;
  /** How often L0 waited for CPUs until this answer; undefined where nobody knows. */
  readonly roundTripsOf?: (answer: object) => number | undefined;
  /** Told of every operation of a vcpu. */
  readonly impact?: FaultImpact;
}

export class MeasuredHost {
  readonly findings: Findings;
  readonly nowNs: () => number;
  readonly #host: Host;
  readonly #latencies: LatencyRecorder;
  readonly #roundTripsOf: (answer: object) => number | undefined;
  readonly #impact: FaultImpact | undefined;

  constructor({ host, latencies, findings, nowNs, roundTripsOf, impact }: MeasuredHostOptions) {
    this.#impact = impact;
    this.#roundTripsOf = roundTripsOf ?? (() => undefined);
    this.findings = findings;
    this.nowNs = nowNs;
    this.#host = host;
    this.#latencies = latencies;
  }

  /** Operations that begin in it are in no measure. */
  get warmup(): Warmup {
    return this.#latencies.warmup;
  }

  async createVcpu(cpu: number): Promise<number> {
    const { vcpu } = await this.#measure("create", () => this.#host.createVcpu({ cpu }));
    return vcpu;
  }

  async destroyVcpu(vcpu: number): Promise<void> {
    await this.#measure("destroy", () => this.#host.destroyVcpu(vcpu), vcpu);
  }

  async placeVcpu(vcpu: number, cpu: number): Promise<void> {
    await this.#measure("place", () => this.#host.placeVcpu(vcpu, cpu), vcpu);
  }

  /** vcpus that exist; not measured. */
  async listVcpus(): Promise<readonly number[]> {
    return this.#settle("list", await this.#host.listVcpus());
  }

  /** What L0 knows of a vcpu; not measured. */
  async nestedState(vcpu: number): Promise<NestedState> {
    return this.#settle("nestedState", await this.#host.nestedState(vcpu), vcpu);
  }

  async runL1(
    name: OperationName,
    vcpu: number,
    instructions: readonly L1Instruction[],
  ): Promise<readonly L1Outcome[]> {
    return await this.#measure(name, () => this.#host.runL1(vcpu, instructions), vcpu);
  }

  /** Noted under the name of what became of it. */
  async guestExit(request: GuestExitRequest): Promise<GuestExitAnswer> {
    const startNs = this.nowNs();
    const answer = await this.#watched(request.vcpu, () => this.#host.guestExit(request));
    const endNs = this.nowNs();
    const value = this.#settle("guestExit", answer, request.vcpu);
    this.#latencies.record(exitName(value), endNs, endNs - startNs, this.#roundTripsOf(answer));
    return value;
  }

  async #measure<T>(name: OperationName, call: () => Promise<Answer<T>>, vcpu?: number): Promise<T> {
    const startNs = this.nowNs();
    const answer = await this.#watched(vcpu, call);
    const endNs = this.nowNs();
    const value = this.#settle(name, answer, vcpu);
    this.#latencies.record(name, endNs, endNs - startNs, this.#roundTripsOf(answer));
    return value;
  }

  async #watched<T>(vcpu: number | undefined, call: () => Promise<Answer<T>>): Promise<Answer<T>> {
    if (this.#impact === undefined || vcpu === undefined) return await call();
    const key = this.#impact.began(vcpu);
    const answer = await call();
    this.#impact.ended(key, answer.ok);
    return answer;
  }

  #settle<T>(operation: string, answer: Answer<T>, vcpu?: number): T {
    if (answer.ok) return answer.value;
    this.findings.failure({ operation, ...(vcpu === undefined ? {} : { vcpu }), ...answer.error });
    throw new OperationFailed(operation, answer.error);
  }
}

function exitName({ level, reflected }: GuestExitAnswer): OperationName {
  if (level === 1) return "exitL1";
  return reflected ? "exitL2ToL1" : "exitL2";
}
