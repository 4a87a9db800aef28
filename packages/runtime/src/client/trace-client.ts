import { Client } from "@grpc/grpc-js";
import type { Answer } from "@vmcslab/nested";
import { required, toNumber } from "../codec/numbers.js";
import type { EventBatch } from "../generated/vmcslab/v1/events.js";
import {
  type GetCountsResponse,
  type ReadHistoryResponse,
  TraceServiceService as Trace,
} from "../generated/vmcslab/v1/trace.js";
import { UnaryCaller } from "../rpc/call.js";
import { Credentials, type Dial } from "../security/credentials.js";

/** What one life of a source published, as trace knows it. */
export interface SourceCount {
  readonly host: string;
  readonly source: string;
  readonly incarnation: number;
  /** Its highest sequence number known to trace. */
  readonly published: number;
  readonly stored: number;
  readonly lost: number;
  readonly duplicates: number;
  /** It stated where its sequence ends. */
  readonly ended: boolean;
}

export interface TraceCounts {
  /** Stored events per kind. */
  readonly kinds: ReadonlyMap<string, number>;
  /** Stored events per CPU that they are about. */
  readonly cpus: ReadonlyMap<number, number>;
  readonly sources: readonly SourceCount[];
}

/** Trace over gRPC. */
export class TraceClient {
  readonly #caller: UnaryCaller;
  readonly #address: string;
  readonly #dial: Dial;

  /** `address`: host:port. */
  constructor(address: string, credentials: Credentials = Credentials.none) {
    this.#address = address;
    this.#dial = credentials.dial("trace");
    this.#caller = new UnaryCaller(address, this.#dial);
  }

  counts(): Promise<Answer<TraceCounts>> {
    return this.#caller.call(Trace.getCounts, {}, countsFromWire);
  }

  /** Ends when everything received is on disk, with how many events that is. */
  flush(): Promise<Answer<number>> {
    return this.#caller.call(Trace.flush, {}, ({ stored }) => toNumber(stored, "stored"));
  }

  /** What is stored of a host, source by source. Rejects when the connection breaks. */
  async *history(host: string): AsyncGenerator<EventBatch> {
    const client = new Client(this.#address, this.#dial.credentials, this.#dial.options);
    const { path, requestSerialize, responseDeserialize } = Trace.readHistory;
    try {
      const stream: AsyncIterable<ReadHistoryResponse> = client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        { host },
      );
      for await (const { batch } of stream) yield required(batch, "batch");
    } finally {
      client.close();
    }
  }

  close(): void {
    this.#caller.close();
  }
}

function countsFromWire({ kinds, cpus, sources }: GetCountsResponse): TraceCounts {
  return {
    kinds: new Map(kinds.map(({ kind, stored }) => [kind, toNumber(stored, "stored")])),
    cpus: new Map(cpus.map(({ cpu, stored }) => [cpu, toNumber(stored, "stored")])),
    sources: sources.map(({ host, source, incarnation, published, stored, lost, duplicates, ended }) => ({
      host,
      source,
      incarnation: toNumber(incarnation, "incarnation"),
      published: toNumber(published, "published"),
      stored: toNumber(stored, "stored"),
      lost: toNumber(lost, "lost"),
      duplicates: toNumber(duplicates, "duplicates"),
      ended,
    })),
  };
}
