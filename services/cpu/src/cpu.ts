import {
  BatchStopwatch,
  Credentials,
  createLogger,
  faultService,
  gauge,
  grpcTarget,
  InterconnectEndpoint,
  Publisher,
  type RunningServer,
  requireCpuModel,
  SkewedClock,
  serve,
  sharedClock,
  startMetrics,
  systemClock,
  UnaryHandlers,
  watchReadiness,
} from "@vmcslab/runtime";
import { DEFAULT_CPU_MODEL } from "@vmcslab/vmx";
import { Board } from "./board.js";
import { cpuFaults } from "./faults.js";
import { cpuService } from "./handlers.js";
import { PeoplesInstructions } from "./instructions.js";
import { CpuLife } from "./life.js";
import type { CpuOptions } from "./options.js";
import { Registration } from "./registration.js";
import { CpuRequests } from "./requests.js";

const DRAIN_MS = 1000;

export interface RunningCpu {
  /** host:port it listens on. */
  readonly address: string;
  /** Refuses new work, has L0 take its VMCSs from the CPU, answers the batches in hand, says where its events end. Bounded, whoever is gone. */
  stop(): Promise<void>;
}

/** Starts one CPU. Rejects when it cannot listen, or for an unknown model. It serves at once; health says SERVING when L0 can use it (if it was given one) and its bus is there. */
export async function startCpu(options: CpuOptions): Promise<RunningCpu> {
  const { cpu, host = "host", listen = "127.0.0.1:0", clock: trueClock = systemClock } = options;
  // A fault may make it wrong. Events keep the true time, by which people judge what a wrong clock led to.
  const clock = new SkewedClock(trueClock);
  const model = requireCpuModel(options.model ?? DEFAULT_CPU_MODEL);
  const logger = options.logger ?? createLogger({ service: "cpu", cpu });
  const { credentials = Credentials.none } = options;
  let registration: Registration | undefined;
  const life = new CpuLife({
    clock,
    ignoresLease: options.without === "lease",
    onExpired: (incarnation) => {
      const count = board.processor.activeVmcss().length;
      logger.warn({ incarnation, vmcss: count }, "L0 did not renew the lease in time; beginning a new life");
      emit({ kind: "lease.expired", operation: 0, cpu, epoch: incarnation, count });
    },
    onOver: (incarnation) => {
      board.forget();
      interconnect.endLife(`incarnation ${incarnation} of CPU ${cpu} is over`);
    },
    onBegun: (incarnation) => {
      publisher.recorder.beginLife(incarnation);
      registration?.begin();
    },
  });
  const publisher = new Publisher(
    { ...options.bus, credentials },
    host,
    `cpu${cpu}`,
    life.incarnation,
    trueClock,
    logger,
  );
  const emit = publisher.recorder.record;
  const stopwatch = new BatchStopwatch(sharedClock(trueClock));
  const board = new Board({ ...options, model, life, emit, stopwatch });
  const faults = cpuFaults({ cpu, board, skewed: clock, clock: trueClock, sink: publisher.sink, emit });
  const handlers = new UnaryHandlers(logger, credentials.guard);
  const interconnect = grpcTarget(new InterconnectEndpoint(board, publisher.lamport));
  const server: RunningServer = await serve({
    listen,
    services: [
      cpuService(board, new CpuRequests(board, new PeoplesInstructions(board, emit)), handlers),
      interconnect.service,
      publisher.service(handlers),
      faultService(faults, handlers),
    ],
    clock,
    credentials,
    logger,
    drained: () => handlers.drained(),
    closeStreams: () => interconnect.close(),
  });
  let usable = options.l0Address === undefined;
  const readiness = watchReadiness(clock, server, () => usable && publisher.sink.connected);
  if (options.l0Address !== undefined) {
    registration = new Registration({
      board,
      life,
      l0Address: options.l0Address,
      address: options.advertise ?? server.address,
      clock,
      logger,
      credentials,
      onReady: (ready) => {
        usable = ready;
        readiness.check();
      },
    });
  }
  const collect = () => [
    ...publisher.metrics(),
    gauge("vmcslab_cpu_registered", "Whether L0 can use this CPU.", usable ? 1 : 0),
    gauge("vmcslab_cpu_guest", "Whether a guest runs (VMX non-root operation).", board.processor.nonRoot ? 1 : 0),
  ];
  const metrics = await startMetrics(options.metrics ?? {}, { host, source: `cpu${cpu}`, collect }, clock, logger);
  if (options.without !== undefined)
    logger.error({ without: options.without }, "this CPU goes without a safeguard, to show what it is for");
  logger.info({ address: server.address, model: model.name }, "listening");
  return {
    address: server.address,
    async stop() {
      readiness.stop();
      server.setServing(false);
      handlers.refuse(`CPU ${cpu} is stopping`);
      await registration?.leave(options.drainMs ?? DRAIN_MS);
      await registration?.stop();
      life.stop();
      await server.stop();
      await metrics.stop();
      await publisher.close();
      logger.info({}, "stopped");
    },
  };
}
