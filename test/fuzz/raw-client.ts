/** Bytes to a service and its status back; nothing is encoded or decoded here. */
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { systemClock } from "@vmcslab/runtime";

export interface Ended {
  /** Name of the gRPC status. */
  readonly status: string;
  readonly details: string;
  /** Messages that came before it. */
  readonly responses: readonly Uint8Array[];
  readonly tookMs: number;
}

const same = (bytes: Buffer): Buffer => bytes;
/** More than any call takes that a service refuses; one that waits for a CPU ends by L0's own deadline before. */
const DEADLINE_MS = 10_000;

export class RawClient {
  readonly #client: Client;

  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure(), {
      "grpc.enable_retries": 0,
      "grpc.enable_http_proxy": 0,
    });
  }

  /** One message. */
  call(path: string, bytes: Uint8Array): Promise<Ended> {
    const startNs = systemClock.monoNs();
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(path, same, same, Buffer.from(bytes), { deadline: deadline() }, (error, response) =>
        resolve(ended(error, response === undefined ? [] : [response], startNs)),
      );
    });
  }

  /** One message, and all that is answered. */
  read(path: string, bytes: Uint8Array): Promise<Ended> {
    const startNs = systemClock.monoNs();
    const stream = this.#client.makeServerStreamRequest(path, same, same, Buffer.from(bytes), { deadline: deadline() });
    return new Promise((resolve) => {
      const responses: Buffer[] = [];
      stream.on("data", (response: Buffer) => responses.push(response));
      stream.on("error", (error: ServiceError) => resolve(ended(error, responses, startNs)));
      stream.on("end", () => resolve(ended(null, responses, startNs)));
    });
  }

  /** Messages on one stream, which then is closed from this side. */
  converse(path: string, messages: readonly Uint8Array[]): Promise<Ended> {
    const startNs = systemClock.monoNs();
    const stream = this.#client.makeBidiStreamRequest(path, same, same, { deadline: deadline() });
    return new Promise((resolve) => {
      const responses: Buffer[] = [];
      stream.on("data", (response: Buffer) => responses.push(response));
      stream.on("error", (error: ServiceError) => resolve(ended(error, responses, startNs)));
      stream.on("end", () => resolve(ended(null, responses, startNs)));
      for (const bytes of messages) stream.write(Buffer.from(bytes));
      stream.end();
    });
  }

  close(): void {
    this.#client.close();
  }
}

function deadline(): number {
  return Date.now() + DEADLINE_MS;
}

function ended(error: ServiceError | null, responses: readonly Uint8Array[], startNs: number): Ended {
  return {
    status: status[error?.code ?? status.OK] ?? "?",
    details: error?.details ?? "",
    responses,
    tookMs: (systemClock.monoNs() - startNs) / 1e6,
  };
}
