import { type handleUnaryCall, type sendUnaryData, status } from "@grpc/grpc-js";
import type { Logger } from "../logger.js";
import { type Caller, type Guard, TRUSTED } from "../security/guard.js";
import { wellFormed } from "./malformed.js";
import { failureOfThrown, OperationRefused } from "./rpc-error.js";

/** Wraps handlers so that a stopping server can wait for those that run, and so that what they throw becomes a status. */
export class UnaryHandlers {
  readonly #logger: Logger;
  readonly #guard: Guard | undefined;
  #inFlight = 0;
  #refusal: string | undefined;
  #idle: (() => void)[] = [];

  /** `guard`: says whose calls they are; with none, nobody asks. */
  constructor(logger: Logger, guard?: Guard) {
    this.#logger = logger;
    this.#guard = guard;
  }

  /** A handler of one RPC, which is told whose call it is if it asks. It may throw InvalidMessage (INVALID_ARGUMENT) or OperationRefused. */
  handle<Request, Response>(
    run: (request: Request, caller: () => Caller) => Response | Promise<Response>,
  ): handleUnaryCall<Request, Response> {
    return (call, callback) => {
      this.#inFlight++;
      const begin = (): Response | Promise<Response> => {
        const message = this.#refusal;
        if (message !== undefined) throw new OperationRefused({ code: "stopping", definite: true, message });
        return run(wellFormed(call.request), () => this.#guard?.callerOf(call) ?? TRUSTED);
      };
      void this.#answer(begin, call.getPath(), callback).finally(() => this.#end());
    };
  }

  /** From now on calls are refused, definitely: nothing of them is carried out. Those that run go on. */
  refuse(message: string): void {
    this.#refusal = message;
  }

  /** Ends when no handler runs. */
  drained(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  async #answer<Response>(
    run: () => Response | Promise<Response>,
    path: string,
    callback: sendUnaryData<Response>,
  ): Promise<void> {
    try {
      callback(null, await run());
    } catch (thrown) {
      const failure = failureOfThrown(thrown);
      if (failure === undefined) this.#logger.error({ err: thrown, rpc: path }, "a handler failed: this is a bug");
      callback(failure ?? { code: status.INTERNAL, details: "internal error, see the service's log" });
    }
  }

  #end(): void {
    this.#inFlight--;
    if (this.#inFlight > 0) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }
}
