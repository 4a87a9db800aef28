import { Client, Metadata, type MethodDefinition } from "@grpc/grpc-js";
import type { Answer } from "@vmcslab/nested";
import { systemClock } from "../clock.js";
import { Credentials, type Dial } from "../security/credentials.js";
import { operationErrorOf } from "./rpc-error.js";

/** Deadline of an RPC that waits for nothing but its server. */
const QUERY_DEADLINE_MS = 5000;

/** Calls unary RPCs of one server. An RPC that fails is a value; nothing rejects for a status. */
export class UnaryCaller {
  readonly #client: Client;

  /** `address`: host:port. */
  constructor(address: string, { credentials, options }: Dial = Credentials.none.dial()) {
    this.#client = new Client(address, credentials, options);
  }

  /** Rejects when `value` throws, which means that the server answered what the protocol does not allow. */
  call<Request, Response, T>(
    method: Pick<MethodDefinition<Request, Response>, "path" | "requestSerialize" | "responseDeserialize">,
    request: Request,
    value: (response: Response) => T,
    timeoutMs = QUERY_DEADLINE_MS,
  ): Promise<Answer<T>> {
    const { path, requestSerialize, responseDeserialize } = method;
    // gRPC takes deadlines in milliseconds since 1970.
    const options = { deadline: systemClock.wallUs() / 1000 + timeoutMs };
    return new Promise((resolve, reject) => {
      const metadata = new Metadata();
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        options,
        (error, response) => {
          if (error !== null) {
            resolve({ ok: false, error: operationErrorOf(error) });
            return;
          }
          try {
            if (response === undefined) throw new Error(`${path} answered without a response`);
            resolve({ ok: true, value: value(response) });
          } catch (thrown) {
            reject(thrown);
          }
        },
      );
    });
  }

  close(): void {
    this.#client.close();
  }
}
