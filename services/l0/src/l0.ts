import { Hypervisor, type LeaseTerms, NO_LEASE } from "@vmcslab/nested";
import {
  createLogger,
  Driver,
  newIncarnation,
  Publisher,
  requireCpuModel,
  serve,
  startMetrics,
  systemClock,
  UnaryHandlers,
  watchReadiness,
} from "@vmcslab/runtime";
import { DEFAULT_CPU_MODEL } from "@vmcslab/vmx";
import { CpuRegistry } from "./cpu-registry.js";
import { l0Service } from "./handlers.js";
import { l0Metrics } from "./metrics.js";
import type { L0Options } from "./options.js";

const POOL_SIZE = 1;
const MEMORY_PAGES = 4096;
const L1_MEMORY_BYTES = 64 * 1024 * 1024;
const LEASE_MS = 5000;
/** Quartz keeps to 100; a clock that is slewed runs up to 500 off, and virtual machines' may be worse. */
const DRIFT_PPM = 10_000;

export interface RunningL0 {
  /** host:port it listens on. */
  readonly address: string;
  stop(): Promise<void>;
}

/** Starts L0. Rejects when it cannot listen, or for an unknown model. Health says SERVING when its bus is there; CPUs come and go. */
export async function startL0(options: L0Options = {}): Promise<RunningL0> {
  const { host = "host", listen = "127.0.0.1:0", clock = systemClock } = options;
  const logger = options.logger ?? createLogger({ service: "l0" });
  const session = newIncarnation(clock);
  const publisher = new Publisher(options.bus ?? {}, host, "l0", session, clock);
  const driver = new Driver();
  const hypervisor = new Hypervisor(configOf(options), {
    emit: publisher.recorder.record,
    // Its answer is in the events; it rejects only for a bug of ours, which must end the process.
    begin: (operation) => void driver.run(operation),
  });
  const { lamport } = publisher;
  const cpus = new CpuRegistry({
    ...{ hypervisor, driver, session, clock, lamport, logger },
    terms: leaseTerms(options),
  });
  const handlers = new UnaryHandlers(logger);
  const server = await serve({
    listen,
    services: [
      l0Service({ host, session, hypervisor, driver, cpus, publisher }, handlers),
      publisher.service(handlers),
    ],
    clock,
    drained: () => handlers.drained(),
  });
  const readiness = watchReadiness(clock, server, () => publisher.sink.connected);
  const collect = () => [...publisher.metrics(), ...l0Metrics(hypervisor, cpus.list())];
  const metrics = await startMetrics(options.metrics ?? {}, { host, source: "l0", collect }, clock, logger);
  // The vcpus of an L0 before this one are gone, and every CPU that registers is reset: nothing of what is cached there can be trusted.
  logger.info(
    { address: server.address, session, vcpus: 0 },
    "listening; this session begins with no vcpus and no CPUs",
  );
  return {
    address: server.address,
    async stop() {
      readiness.stop();
      await server.stop();
      cpus.close();
      await metrics.stop();
      await publisher.close();
      logger.info({}, "stopped");
    },
  };
}

function configOf(options: L0Options): ConstructorParameters<typeof Hypervisor>[0] {
  return {
    poolSize: options.poolSize ?? POOL_SIZE,
    memoryPages: options.memoryPages ?? MEMORY_PAGES,
    l1MemoryBytes: options.l1MemoryBytes ?? L1_MEMORY_BYTES,
    model: requireCpuModel(options.model ?? DEFAULT_CPU_MODEL),
    lostVmcs: options.lostCpu === "kill" ? "kill" : "rebuild",
  };
}

function leaseTerms({ lostCpu = "wait", leaseMs = LEASE_MS }: L0Options): LeaseTerms {
  return lostCpu === "wait" ? NO_LEASE : { durationNs: leaseMs * 1e6, driftPpm: DRIFT_PPM };
}
