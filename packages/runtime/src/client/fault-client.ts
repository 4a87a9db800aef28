import type { Fault } from "@vmcslab/faults";
import type { Answer } from "@vmcslab/nested";
import { type FaultStatus, faultToWire, statusFromWire } from "../codec/fault.js";
import { required } from "../codec/numbers.js";
import { FaultServiceService as Faults } from "../generated/vmcslab/v1/faults.js";
import { UnaryCaller } from "../rpc/call.js";
import { Credentials } from "../security/credentials.js";
import type { ServiceName } from "../security/identity.js";

export interface InjectOptions {
  /** What is left to chance is drawn from it. Default: drawn, and told. */
  readonly seed?: string;
  /** The caller states the fault's events. Default: the service does. */
  readonly isStated?: boolean;
  readonly timeoutMs?: number;
}

/** The faults of a service, or of a whole host when it is L0. An answer that is not ok is a value. */
export class FaultClient {
  readonly #caller: UnaryCaller;

  /** `address`: host:port. `expected`: whose it is. */
  constructor(address: string, credentials: Credentials = Credentials.none, expected?: ServiceName) {
    this.#caller = new UnaryCaller(address, credentials.dial(expected));
  }

  /** Injects a fault, or renews the lease of the same one of that name. */
  inject(fault: Fault, { seed = "", isStated = false, timeoutMs }: InjectOptions = {}): Promise<Answer<FaultStatus>> {
    const request = { fault: faultToWire(fault, seed), stated: isStated, checkOnly: false };
    return this.#caller.call(
      Faults.injectFault,
      request,
      ({ status }) => statusFromWire(required(status, "status")),
      timeoutMs,
    );
  }

  /** Whether it would be taken. */
  check(fault: Fault, timeoutMs?: number): Promise<Answer<void>> {
    const request = { fault: faultToWire(fault, ""), stated: false, checkOnly: true };
    return this.#caller.call(Faults.injectFault, request, () => undefined, timeoutMs);
  }

  /** Those that wait or act; `ended`: and the last that have ended. */
  list({
    ended = false,
    timeoutMs,
  }: {
    readonly ended?: boolean;
    readonly timeoutMs?: number;
  } = {}): Promise<Answer<FaultStatus[]>> {
    return this.#caller.call(Faults.listFaults, { ended }, ({ faults }) => faults.map(statusFromWire), timeoutMs);
  }

  /** Ends the faults of these names, or all; says which there were. */
  clear(names: readonly string[] = [], timeoutMs?: number): Promise<Answer<FaultStatus[]>> {
    return this.#caller.call(
      Faults.clearFaults,
      { names: [...names] },
      ({ cleared }) => cleared.map(statusFromWire),
      timeoutMs,
    );
  }

  close(): void {
    this.#caller.close();
  }
}
