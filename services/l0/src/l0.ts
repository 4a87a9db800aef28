import type { EventFact } from "@vmcslab/history";
import { DEFAULT_DESIGN, Hypervisor, type JournalRecord, type LeaseTerms, NO_LEASE } from "@vmcslab/nested";
import {
  Credentials,
  createLogger,
  Driver,
  type FaultHub,
  faultService,
  faultyTransport,
  newIncarnation,
  openJournal,
  Publisher,
  requireCpuModel,
  SkewedClock,
  serve,
  sharedClock,
  startMetrics,
  systemClock,
  UnaryHandlers,
  watchReadiness,
  within,
} from "@vmcslab/runtime";
import { DEFAULT_CPU_MODEL } from "@vmcslab/vmx";
import { CpuRegistry } from "./cpu-registry.js";
import { DurableState, fromJournal } from "./durable-state.js";
import { CpuFaultsAtL0 } from "./faults/cpu-faults.js";
import { L0Faults } from "./faults/l0-faults.js";
import { Partitions } from "./faults/partitions.js";
import { l0Service } from "./handlers.js";
import { l0Metrics } from "./metrics.js";
import type { L0Options } from "./options.js";

const POOL_SIZE = 1;
const MEMORY_PAGES = 4096;
const L1_MEMORY_BYTES = 64 * 1024 * 1024;
const LEASE_MS = 5000;
/** L0s start further apart than this, and their pages repeat after so many of them: two hours. */
const LIFE_GRANULARITY_US = 100_000;
const LIVES_APART = 0x1_0000;
/** Quartz keeps to 100; a clock that is slewed runs up to 500 off, and virtual machines' may be worse. */
const DRIFT_PPM = 10_000;

/** Longer than the deadline of a batch. */
const OPERATIONS_BOUND_MS = 2500;

export interface RunningL0 {
  /** host:port it listens on. */
  readonly address: string;
  /** Ends with why this L0 must end: somebody else writes its journal, or nobody can. */
  readonly failed?: Promise<Error>;
  stop(): Promise<void>;
}

/** Starts L0. Rejects when it cannot listen, or for an unknown model. Health says SERVING when its bus is there; CPUs come and go. */
export async function startL0(options: L0Options = {}): Promise<RunningL0> {
  const { host = "host", listen = "127.0.0.1:0", clock: trueClock = systemClock } = options;
  // A fault may make it wrong. Events keep the true time, by which people judge what a wrong clock led to.
  const clock = new SkewedClock(trueClock);
  const logger = options.logger ?? createLogger({ service: "l0" });
  const { credentials = Credentials.none } = options;
  const journal = await openJournal(options.journal ?? { kind: "none" }, {
    ...{ host, clock: trueClock },
    natsUrl: options.bus?.natsUrl,
    natsLogin: options.bus?.natsLogin,
  });
  const durable = journal === undefined ? undefined : await DurableState.open(journal, newIncarnation(clock), logger);
  const session = durable?.session ?? newIncarnation(clock);
  const publisher = new Publisher({ ...options.bus, credentials }, host, "l0", session, trueClock, logger);
  const driver = new Driver({ durable: durable === undefined ? undefined : () => durable.durable() });
  // There is none before the hypervisor is restored, which states events.
  let hub: FaultHub | undefined;
  const emit = (fact: EventFact): void => {
    publisher.recorder.record(fact);
    hub?.stated(fact.kind);
  };
  /** The events of a turn are written before what the journal remembers of it. */
  const record = (remembered: JournalRecord): void => {
    publisher.recorder.goFirst();
    durable?.record(remembered);
  };
  const restored = durable?.remembered === undefined ? <T>(make: () => T): T => make() : fromJournal;
  const hypervisor = restored(
    () =>
      new Hypervisor(
        { ...configOf(options), ...(durable === undefined ? { life: memoryOf(session) } : {}) },
        {
          emit,
          // Its answer is in the events; it rejects only for a bug of ours, which must end the process.
          begin: (operation) => void driver.run(operation),
          ...(durable === undefined ? {} : { record }),
        },
        durable?.remembered,
      ),
  );
  const { lamport, sink } = publisher;
  const partitions = new Partitions();
  const faults = new L0Faults({
    ...{ hypervisor, driver, partitions, skewed: clock, clock: trueClock, sink, emit },
    cpus: new CpuFaultsAtL0(() => cpus.list(), credentials),
  });
  hub = faults.hub;
  const struck = { faults: faults.hub.messages, isPartitioned: partitions.isCut, clock: trueClock };
  const cpus: CpuRegistry = new CpuRegistry({
    strike: (transport, cpu, failBatch) => faultyTransport(transport, { ...struck, cpu, failBatch }),
    ...{ hypervisor, driver, session, clock, lamport, logger, credentials },
    timedBy: sharedClock(trueClock),
    terms: leaseTerms(options),
    ...(options.without === undefined ? {} : { without: options.without }),
    ...(durable === undefined ? {} : { durable }),
  });
  const handlers = new UnaryHandlers(logger, credentials.guard);
  const server = await serve({
    listen,
    services: [
      l0Service(
        { host, session, hypervisor, driver, cpus, publisher, struck, credentials, ...promises(options) },
        handlers,
      ),
      publisher.service(handlers),
      faultService(faults, handlers),
    ],
    clock,
    credentials,
    logger,
    drained: () => handlers.drained(),
  });
  const isRecovered = (): boolean => hypervisor.state.recovering.size === 0;
  const readiness = watchReadiness(clock, server, () => publisher.sink.connected && isRecovered());
  const collect = () => [...publisher.metrics(), ...l0Metrics(hypervisor, cpus.list())];
  const metrics = await startMetrics(options.metrics ?? {}, { host, source: "l0", collect }, clock, logger);
  if (options.without !== undefined)
    logger.error({ without: options.without }, "this L0 goes without a safeguard, to show what it is for");
  const { vcpus, recovering } = hypervisor.state;
  logger.info(
    { address: server.address, session, vcpus: vcpus.size, recovering: [...recovering] },
    durable?.remembered === undefined
      ? // The vcpus of an L0 before this one are gone, and every CPU that registers is reset: nothing of what is cached there can be trusted.
        "listening; this session begins with no vcpus and no CPUs"
      : "listening; this session goes on from the journal, when every CPU has said what it holds",
  );
  return {
    address: server.address,
    ...(durable === undefined ? {} : { failed: durable.failed }),
    async stop() {
      readiness.stop();
      server.setServing(false);
      handlers.refuse("L0 is stopping");
      // An operation whose CPU is silent ends at its deadline.
      await within(trueClock, OPERATIONS_BOUND_MS, driver.idle());
      await server.stop();
      cpus.close();
      await metrics.stop();
      await publisher.close();
      await durable?.close();
      logger.info({}, "stopped");
    },
  };
}

/** What an experiment may want of a host that runs already. */
function promises({ lostCpu = "wait", leaseMs = LEASE_MS, journal }: L0Options) {
  return { lostCpu, leaseMs: lostCpu === "wait" ? 0 : leaseMs, journal: journal?.kind ?? "none" } as const;
}

function configOf(options: L0Options): ConstructorParameters<typeof Hypervisor>[0] {
  return {
    poolSize: options.poolSize ?? POOL_SIZE,
    design: { ...DEFAULT_DESIGN, ...options.design },
    memoryPages: options.memoryPages ?? MEMORY_PAGES,
    l1MemoryBytes: options.l1MemoryBytes ?? L1_MEMORY_BYTES,
    model: requireCpuModel(options.model ?? DEFAULT_CPU_MODEL),
    lostVmcs: options.lostCpu === "kill" ? "kill" : "rebuild",
  };
}

/** Without a journal each life takes its VMCSs' pages from a part of memory of its own: a CPU that has not heard of it may still write one of the last life back. */
function memoryOf(session: number): number {
  return Math.floor(session / LIFE_GRANULARITY_US) % LIVES_APART;
}

function leaseTerms({ lostCpu = "wait", leaseMs = LEASE_MS }: L0Options): LeaseTerms {
  return lostCpu === "wait" ? NO_LEASE : { durationNs: leaseMs * 1e6, driftPpm: DRIFT_PPM };
}
