/** The simulated target: a whole host in this process, in virtual time. One seed is one run. */
import { type Fault, RandomStream } from "@vmcslab/faults";
import { DEFAULT_DEADLINE_MS, type HostCounters, type Hypervisor, type LeaseTerms, NO_LEASE } from "@vmcslab/nested";
import { requireCpuModel } from "@vmcslab/runtime";
import { type CostModel, SimHost } from "@vmcslab/sim";
import { DEFAULT_CPU_MODEL } from "@vmcslab/vmx";
import { UnavailableError } from "../../errors.js";
import { nanoseconds } from "../../experiment/units.js";
import { addCounters } from "../../run/compare-counters.js";
import type { RunningTarget, Settlement, TargetOptions } from "../target.js";
import { conclude } from "./conclude.js";
import { CycleLedger } from "./cycle-ledger.js";
import { HistoryWriter } from "./history-writer.js";
import { simulatedHost } from "./simulated-host.js";
import { VirtualTime } from "./virtual-time.js";

export interface SimulateOptions {
  readonly faults: readonly Fault[];
  readonly seed: number;
  readonly costModel: CostModel;
}

/** As the L0 service has them. */
const MEMORY_PAGES = 4_096;
const L1_MEMORY_BYTES = 64 * 1024 * 1024;
/** What is not completed goes out again: links lose messages here, as those of services do not. */
const RESEND_AFTER_MS = 50;
/** Rates of two clocks are trusted to differ by no more, in parts per million. */
const DRIFT_PPM = 10_000;
const BEATS_PER_LEASE = 4;
/** In which a host without faults is complete. */
const START_NS = 1_000_000_000;

/** Builds a host and lets it come up. Its faults begin with the workload. */
export async function launchSimulated(options: TargetOptions, simulate: SimulateOptions): Promise<RunningTarget> {
  const history = new HistoryWriter(options.historyDir);
  const ledger = new CycleLedger(simulate.costModel);
  const lives: Hypervisor[] = [];
  const sim = newHost(options, simulate, history, ledger, lives);
  if (!sim.runUntil(START_NS, () => sim.isWhole)) throw new UnavailableError("the simulated host did not come up");
  const startNs = sim.scheduler.nowNs;
  sim.faults.start();
  let tellBroken: (what: string) => void = () => undefined;
  const broken = new Promise<string>((resolve) => {
    tellBroken = resolve;
  });
  const time = new VirtualTime(sim.scheduler, tellBroken);
  const counters = (): HostCounters => addCounters(lives.map((hypervisor) => hypervisor.counters()));
  const host = simulatedHost(sim, time, counters);
  return {
    mode: "simulated",
    host,
    broken,
    simulated: {
      clock: time.clock,
      costModel: simulate.costModel,
      roundTripsOf: host.roundTripsOf,
      conclude: () => conclude(sim),
      faults: () => ({ injected: sim.faults.injected, healed: sim.faults.healed, byKind: sim.faults.tally }),
      areFaultsOver: () => sim.faults.isDone,
      spent: () => ({
        virtualNs: sim.scheduler.nowNs - startNs,
        steps: sim.scheduler.steps,
        cyclesByRow: ledger.totals(),
      }),
    },
    settle: async () => settle(sim, options.hostName, history),
    stop: async () => history.close(),
  };
}

function newHost(
  options: TargetOptions,
  { faults, seed }: SimulateOptions,
  history: HistoryWriter,
  ledger: CycleLedger,
  lives: Hypervisor[],
): SimHost {
  const leaseNs = nanoseconds(options.lease);
  const lease: LeaseTerms = options.lostCpu === "wait" ? NO_LEASE : { durationNs: leaseNs, driftPpm: DRIFT_PPM };
  return new SimHost({
    name: options.hostName,
    cpus: options.cpus,
    config: {
      poolSize: options.poolSize,
      design: options.design,
      memoryPages: MEMORY_PAGES,
      l1MemoryBytes: L1_MEMORY_BYTES,
      model: requireCpuModel(options.cpuModel ?? DEFAULT_CPU_MODEL),
      lostVmcs: options.lostCpu === "kill" ? "kill" : "rebuild",
    },
    lease,
    beatNs: Math.ceil(leaseNs / BEATS_PER_LEASE),
    deadlineMs: DEFAULT_DEADLINE_MS,
    resendAfterMs: RESEND_AFTER_MS,
    latency: (_, message, cpu) => ledger.latencyNs(message, cpu),
    inOrder: true,
    faults,
    holdsFaults: true,
    random: new RandomStream(`${seed}`).fork("host"),
    observe: history.write,
    executionNs: ledger.executionNs,
    flushesNs: ledger.flushesNs,
    onL0: (hypervisor) => lives.push(hypervisor),
    ...(options.journal === undefined ? {} : { journal: { durableNs: 0 } }),
  });
}

function settle(sim: SimHost, host: string, history: HistoryWriter): Settlement {
  history.close();
  const positions = sim.recorder.positions().map((position) => ({ host, ...position }));
  const published = positions.reduce((sum, position) => sum + position.published, 0);
  const { stored } = history;
  return { events: { published, stored, lost: published - stored }, positions, silent: [], sharedClock: true };
}
