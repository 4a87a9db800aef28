import type { Fault } from "@vmcslab/faults";
import type { Answer, OperationError } from "@vmcslab/nested";
import {
  type CpuInfo,
  type Credentials,
  cpuName,
  FaultClient,
  type FaultStatus,
  type HeldFault,
  InvalidMessage,
} from "@vmcslab/runtime";

/** A CPU that does not answer by then is taken to be gone, for the moment. */
const ANSWER_TIMEOUT_MS = 1000;

/** The FaultServices of the CPUs that have registered. A CPU that is not there is a note, not an error: a fault of one that vanished has nothing to do any more. */
export class CpuFaultsAtL0 {
  readonly #cpus: () => readonly CpuInfo[];
  readonly #credentials: Credentials;

  constructor(cpus: () => readonly CpuInfo[], credentials: Credentials) {
    this.#cpus = cpus;
    this.#credentials = credentials;
  }

  isKnown(cpu: number): boolean {
    return this.#cpus().some((known) => known.cpu === cpu);
  }

  /** CPUs that are not lost. */
  numbers(): number[] {
    return this.#cpus().flatMap(({ cpu, state }) => (state === "lost" ? [] : [cpu]));
  }

  /** Hands a fault on; why the CPU refuses it, if it does. */
  async inject(cpu: number, fault: Fault, held: HeldFault): Promise<OperationError | undefined> {
    const answer = await this.#ask(cpu, (client) =>
      client.inject(fault, { isStated: true, timeoutMs: ANSWER_TIMEOUT_MS }),
    );
    if (answer.ok) return undefined;
    if (isRefusal(answer.error)) return answer.error;
    held.note(`CPU ${cpu} does not answer (${answer.error.message}): there is nothing to do to it`);
    return undefined;
  }

  /** Why the CPU would refuse a fault, if it would. */
  async check(cpu: number, fault: Fault): Promise<OperationError | undefined> {
    const answer = await this.#ask(cpu, (client) => client.check(fault, ANSWER_TIMEOUT_MS));
    return answer.ok || !isRefusal(answer.error) ? undefined : answer.error;
  }

  /** What of theirs has these names, or all of it, ends. */
  async clear(names: readonly string[]): Promise<FaultStatus[]> {
    return (await Promise.all(this.numbers().map((cpu) => this.clearOn(cpu, names)))).flat();
  }

  async clearOn(cpu: number, names: readonly string[]): Promise<FaultStatus[]> {
    const answer = await this.#ask(cpu, (client) => client.clear(names, ANSWER_TIMEOUT_MS));
    // Whoever is not there has no faults, and one that stands still goes on by its guard.
    return answer.ok ? answer.value : [];
  }

  async list(ended: boolean): Promise<FaultStatus[]> {
    const answers = this.numbers().map((cpu) =>
      this.#ask(cpu, (client) => client.list({ ended, timeoutMs: ANSWER_TIMEOUT_MS })),
    );
    return (await Promise.all(answers)).flatMap((answer) => (answer.ok ? answer.value : []));
  }

  async #ask<T>(cpu: number, ask: (client: FaultClient) => Promise<Answer<T>>): Promise<Answer<T>> {
    const address = this.#cpus().find((known) => known.cpu === cpu)?.address;
    if (address === undefined)
      return { ok: false, error: { code: "notFound", definite: true, message: "it has not registered" } };
    const client = new FaultClient(address, this.#credentials, cpuName(cpu));
    try {
      return await ask(client);
    } catch (thrown) {
      if (!(thrown instanceof InvalidMessage)) throw thrown;
      return { ok: false, error: { code: "unexpectedOutcome", definite: false, message: thrown.message } };
    } finally {
      client.close();
    }
  }
}

function isRefusal({ code }: OperationError): boolean {
  return code === "failedPrecondition" || code === "invalidArgument";
}
