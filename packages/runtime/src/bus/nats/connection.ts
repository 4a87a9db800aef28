/** Connecting to NATS. The client is loaded when a bus is wanted and costs nothing otherwise; JetStream is in a file of its own. */
import type { NatsConnection } from "nats";
import type { Clock } from "../../clock.js";
import { type EventStream, openEventStream } from "./jetstream.js";
import { JournalStream } from "./journal-stream.js";
import { type NatsLogin, natsOptions, splitNatsUrl } from "./login.js";

const RECONNECT_DELAY_MS = 250;
const DRAIN_BOUND_MS = 1000;
/** A handshake on a machine that is busy with starting everything else takes its time. */
const CONNECT_TIMEOUT_MS = 5000;
/** A server that falls silent is noticed after two pings without an answer. */
const PING_INTERVAL_MS = 1000;
const PINGS_UNANSWERED_MAX = 2;

/** What the bus needs of NATS. */
export interface NatsBus {
  readonly connected: boolean;
  /** Undefined: the server has no JetStream. */
  eventStream(): Promise<EventStream | undefined>;
  /** Where L0 of this host keeps its journal. Undefined: the server has no JetStream. */
  journalStream(host: string): Promise<JournalStream | undefined>;
  /** Hands over a message; it goes out when the connection is up. */
  publish(subject: string, payload: Uint8Array): void;
  /** Ends when the server has everything published before. Rejects when the connection breaks meanwhile. */
  flush(): Promise<void>;
  /** Calls `receive` for each message, one after the other. The subscription holds at the server when the promise ends. */
  subscribe(subject: string, receive: (payload: Uint8Array) => Promise<void>): Promise<void>;
  /** Delivers what was received, then ends the connection; bounded by one second. */
  drain(): Promise<void>;
}

/**
 * Connects to a server and keeps connecting again for ever. `url` may carry user and password; `login` comes before them. Rejects when the first
 * connection fails.
 */
export async function connectNats(url: string, name: string, clock: Clock, login?: NatsLogin): Promise<NatsBus> {
  const { connect } = await import("nats");
  const { server, login: inUrl } = splitNatsUrl(url);
  const connection = await connect({
    servers: server,
    name,
    ...(await natsOptions({ ...inUrl, ...login })),
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_DELAY_MS,
    timeout: CONNECT_TIMEOUT_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: PINGS_UNANSWERED_MAX,
  });
  return new Bus(connection, clock);
}

class Bus implements NatsBus {
  readonly #connection: NatsConnection;
  readonly #clock: Clock;
  #connected = true;

  constructor(connection: NatsConnection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
    void this.#watch();
  }

  get connected(): boolean {
    return this.#connected;
  }

  eventStream(): Promise<EventStream | undefined> {
    if (this.#connection.info?.jetstream !== true) return Promise.resolve(undefined);
    return openEventStream(this.#connection);
  }

  journalStream(host: string): Promise<JournalStream | undefined> {
    if (this.#connection.info?.jetstream !== true) return Promise.resolve(undefined);
    return JournalStream.open(this.#connection, host);
  }

  publish(subject: string, payload: Uint8Array): void {
    this.#connection.publish(subject, payload);
  }

  flush(): Promise<void> {
    return this.#connection.flush();
  }

  async subscribe(subject: string, receive: (payload: Uint8Array) => Promise<void>): Promise<void> {
    const subscription = this.#connection.subscribe(subject);
    void (async () => {
      for await (const message of subscription) await receive(message.data);
    })();
    await this.#connection.flush();
  }

  async drain(): Promise<void> {
    if (this.#connection.isClosed() || this.#connection.isDraining()) return;
    const drained = new AbortController();
    // Draining waits for the server. One that is gone, or goes meanwhile, must not keep us.
    const draining = this.#connection.drain().catch(() => undefined);
    await Promise.race([draining, this.#clock.sleep(DRAIN_BOUND_MS, drained.signal)]);
    drained.abort();
    await this.#connection.close();
  }

  async #watch(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type === "disconnect") this.#connected = false;
      if (status.type === "reconnect") this.#connected = true;
    }
    this.#connected = false;
  }
}
