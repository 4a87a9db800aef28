/** The attached target: a host that runs already, in containers or wherever, and goes on running after the experiment. */
import type { HostCounters } from "@vmcslab/nested";
import { L0Client, systemClock, TraceClient } from "@vmcslab/runtime";
import { UnavailableError, UsageError } from "../../errors.js";
import type { Host } from "../../host.js";
import { grpcHost } from "../grpc-host.js";
import type { RunningTarget, Settlement, SourcePosition, TargetOptions } from "../target.js";
import { endsOf, furthestOf, isSameLife, waitUntilTraced } from "../traced.js";
import { answered } from "./answered.js";
import { type CopiedHistory, copyHistory } from "./copy-history.js";

export interface AttachOptions {
  /** host:port of L0. */
  readonly l0Address: string;
  /** host:port of trace. */
  readonly traceAddress: string;
}

/** What was there when the run began. */
interface Beginning {
  readonly hostName: string;
  readonly counters: HostCounters;
  readonly positions: readonly SourcePosition[];
  /** Lives that were over. */
  readonly over: readonly SourcePosition[];
}

/**
 * Attaches to a host that nobody uses: there are no vcpus. Every CPU is taken out of use and back, so that the history of the run begins with nothing active
 * and says so itself. Throws UsageError for a host that is not as the experiment wants it, UnavailableError for one that does not answer.
 */
export async function attachToHost(attach: AttachOptions, options: TargetOptions): Promise<RunningTarget> {
  const l0 = new L0Client(attach.l0Address);
  const trace = new TraceClient(attach.traceAddress);
  try {
    const beginning = await begin(l0, trace, options);
    const host = grpcHost(attach.l0Address);
    return {
      mode: "attached",
      host: { ...host, createVcpu: (request) => host.createVcpu({ poolSize: options.poolSize, ...request }) },
      countersBefore: beginning.counters,
      // The host is not ours: whoever runs it sees to its services. What breaks fails the operations.
      broken: new Promise(() => undefined),
      settle: () => settle(l0, trace, beginning, options.historyDir),
      stop: () => detach(host, l0, trace),
    };
  } catch (thrown) {
    l0.close();
    trace.close();
    throw thrown;
  }
}

async function detach(host: Host, l0: L0Client, trace: TraceClient): Promise<void> {
  await host.close();
  l0.close();
  trace.close();
}

async function begin(l0: L0Client, trace: TraceClient, options: TargetOptions): Promise<Beginning> {
  await checkHost(l0, options);
  const { positions, silent } = answered("L0", await l0.flushHost());
  if (silent.length > 0) throw new UnavailableError(`${silent.join(", ")} did not say how many events there are`);
  const { sources } = await waitUntilTraced(trace, positions, [], systemClock);
  const over = sources.filter((life) => !positions.some((position) => isSameLife(position, life)));
  for (const { cpu } of answered("L0", await l0.listCpus())) {
    answered("L0", await l0.offlineCpu(cpu));
    answered("L0", await l0.onlineCpu(cpu));
  }
  const { host, counters } = answered("L0", await l0.host());
  return { hostName: host, counters, positions, over };
}

async function checkHost(l0: L0Client, { cpus: wanted, cpuModel }: TargetOptions): Promise<void> {
  const cpus = answered("L0", await l0.listCpus());
  const away = cpus.filter(({ state }) => state !== "online");
  if (away.length > 0) {
    const states = away.map(({ cpu, state }) => `CPU ${cpu} is ${state}`);
    throw new UnavailableError(`the host is not complete: ${states.join(", ")}`);
  }
  if (cpus.length < wanted) {
    throw new UsageError(`the experiment wants ${wanted} CPUs, the host has ${cpus.length}: --cpus ${cpus.length}`);
  }
  const [other] = cpus.filter(({ model }) => cpuModel !== undefined && model !== cpuModel);
  if (other !== undefined) {
    throw new UsageError(`the experiment wants CPU model ${cpuModel}, CPU ${other.cpu} of the host is ${other.model}`);
  }
  const vcpus = answered("L0", await l0.listVcpus());
  if (vcpus.length === 0) return;
  throw new UsageError(`the host is in use: it has ${vcpus.length} vcpus. Destroy them, or restart L0`);
}

async function settle(
  l0: L0Client,
  trace: TraceClient,
  { hostName, positions: beginnings, over }: Beginning,
  historyDir: string,
): Promise<Settlement> {
  const { positions, silent } = answered("L0", await l0.flushHost());
  const { sources } = await waitUntilTraced(trace, positions, silent, systemClock);
  const history = await copyHistory(trace.history(hostName), beginnings, historyDir);
  const ofRun = sources.filter((life) => life.host === hostName && !over.some((other) => isSameLife(other, life)));
  const { ended, unended } = endsOf(ofRun, positions, silent);
  const events = countEvents(positions, beginnings, history);
  return { events, positions: [...ended, ...positions], silent, unended, beginnings };
}

function countEvents(
  positions: readonly SourcePosition[],
  beginnings: readonly SourcePosition[],
  { stored, lives }: CopiedHistory,
): Settlement["events"] {
  const begun = (life: Omit<SourcePosition, "published">) =>
    beginnings.find(({ source, incarnation }) => source === life.source && incarnation === life.incarnation)
      ?.published ?? 0;
  const published = furthestOf(positions, lives).reduce((sum, life) => sum + life.published - begun(life), 0);
  return { published, stored, lost: published - stored };
}
