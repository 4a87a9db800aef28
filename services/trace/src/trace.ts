import {
  type Clock,
  Credentials,
  createLogger,
  DirectSource,
  type EventSource,
  faultService,
  InvalidMessage,
  isSourceName,
  type Logger,
  natsSource,
  type ReceiveBatch,
  type ServedService,
  serve,
  served,
  serverStream,
  shown,
  startMetrics,
  systemClock,
  traceWire,
  UnaryHandlers,
  watchReadiness,
} from "@vmcslab/runtime";
import { TraceFaults } from "./faults.js";
import { traceMetrics } from "./metrics.js";
import type { TraceOptions } from "./options.js";
import { TraceRecorder } from "./recorder.js";
import { EventStore } from "./store.js";

const SUBSCRIBE_DELAY_MS = 250;

export interface RunningTrace {
  /** host:port it listens on. */
  readonly address: string;
  stop(): Promise<void>;
}

/** Starts trace. Rejects when it cannot listen or cannot make its directory. Health says SERVING while it is subscribed to the bus it was given. */
export async function startTrace(options: TraceOptions): Promise<RunningTrace> {
  const { listen = "127.0.0.1:0", clock = systemClock, credentials = Credentials.none } = options;
  const logger = options.logger ?? createLogger({ service: "trace" });
  const store = await EventStore.open(options.directory);
  const recorder = new TraceRecorder(store);
  await recorder.restore();
  let onHeld = (): void => undefined;
  const faults = new TraceFaults(clock, logger, () => onHeld());
  const receive = faults.receiving(recorder.receive);
  const direct = new DirectSource(receive, credentials.guard);
  const handlers = new UnaryHandlers(logger, credentials.guard);
  const server = await serve({
    listen,
    services: [traceService(recorder, store, direct, handlers), faultService(faults.hub, handlers)],
    clock,
    credentials,
    logger,
    drained: () => handlers.drained(),
    closeStreams: () => direct.close(),
  });
  const metrics = await startMetrics(
    options.metrics ?? {},
    { host: "trace", source: "trace", collect: () => traceMetrics(recorder.counts()) },
    clock,
    logger,
  );
  const stopping = new AbortController();
  let bus: EventSource | undefined;
  const subscribed =
    options.natsUrl === undefined
      ? Promise.resolve(undefined)
      : subscribe({ ...options, natsUrl: options.natsUrl }, receive, clock, logger, stopping.signal);
  void subscribed.then((source) => {
    bus = source;
    readiness.check();
  });
  const hasBus = (): boolean => options.natsUrl === undefined || bus?.isConnected() === true;
  const readiness = watchReadiness(clock, server, () => hasBus() && !faults.isHeld);
  onHeld = () => readiness.check();
  logger.info({ address: server.address, directory: options.directory }, "listening");
  return {
    address: server.address,
    async stop() {
      stopping.abort();
      readiness.stop();
      faults.end();
      server.setServing(false);
      await (await subscribed)?.close();
      await server.stop();
      await metrics.stop();
      await recorder.flush();
      await store.close();
      logger.info({}, "stopped");
    },
  };
}

function traceService(
  recorder: TraceRecorder,
  store: EventStore,
  direct: DirectSource,
  handlers: UnaryHandlers,
): ServedService {
  const implementation: traceWire.TraceServiceServer = {
    publish: direct.publish,
    getCounts: handlers.handle((_request: traceWire.GetCountsRequest) => recorder.counts()),
    flush: handlers.handle(async (_request: traceWire.FlushRequest) => ({ stored: BigInt(await recorder.flush()) })),
    readHistory: serverStream(({ host }: traceWire.ReadHistoryRequest) => storedHistory(host, recorder, store)),
  };
  return served("vmcslab.v1.TraceService", traceWire.TraceServiceService, implementation);
}

async function* storedHistory(host: string, recorder: TraceRecorder, store: EventStore) {
  if (!isSourceName(host))
    throw new InvalidMessage(`"${shown(host)}" is not the name of a host: letters, digits, _ and -, at most 64`);
  await recorder.flush();
  for await (const batch of store.stored(host)) yield { batch };
}

/** The server may start after us. Undefined when we are stopped before it does. */
async function subscribe(
  { natsUrl: url, natsLogin: login, consumer }: TraceOptions & { readonly natsUrl: string },
  receive: ReceiveBatch,
  clock: Clock,
  logger: Logger,
  stop: AbortSignal,
): Promise<EventSource | undefined> {
  const onMalformed = (error: unknown): void =>
    logger.warn({ err: error }, "a message on the bus is not a batch of events");
  const onTrouble = (error: unknown): void => logger.warn({ err: error }, "reading the bus broke off; trying again");
  const named = { ...(consumer === undefined ? {} : { consumer }), ...(login === undefined ? {} : { login }) };
  for (let attempt = 1; !stop.aborted; attempt++) {
    try {
      return await natsSource({ url, clock, ...named, onMalformed, onTrouble }, receive);
    } catch (error) {
      if (attempt === 1) logger.warn({ err: error }, "the bus does not answer; trying again");
      await clock.sleep(SUBSCRIBE_DELAY_MS, stop);
    }
  }
  return undefined;
}
