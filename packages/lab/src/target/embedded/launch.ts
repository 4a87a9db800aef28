/** The embedded target: trace, L0 and every CPU as a child process on loopback. */
import { join } from "node:path";
import { systemClock, TraceClient } from "@vmcslab/runtime";
import { InterruptedError, UnavailableError } from "../../errors.js";
import { grpcHost } from "../grpc-host.js";
import type { RunningTarget, TargetOptions } from "../target.js";
import { type ChildOptions, ServiceChild } from "./child.js";
import { settleEvents } from "./event-counts.js";
import { waitForCpus } from "./wait-for-cpus.js";
import { waitUntilServing } from "./wait-until-serving.js";

/** Program and arguments that `cpu`, `l0` and `trace` are put behind. */
export type ServiceCommand = readonly [string, ...string[]];

/** A free port of the loopback interface. */
const LISTEN = "127.0.0.1:0";

/**
 * Starts a host. Throws UnavailableError when a service does not come up, and InterruptedError when the signal comes first; nothing is
 * left running then.
 */
export async function launchEmbedded(
  command: ServiceCommand,
  options: TargetOptions,
  signal?: AbortSignal,
): Promise<RunningTarget> {
  const children: ServiceChild[] = [];
  const start = async (name: string, args: readonly string[]): Promise<ServiceChild> => {
    const child = await ServiceChild.start({
      ...childOptions(command, options, name, args),
      ...(signal === undefined ? {} : { signal }),
    });
    children.push(child);
    return child;
  };
  try {
    const trace = await start("trace", ["trace", "--dir", options.historyDir]);
    const l0 = await start("l0", [
      "l0",
      "--pool-size",
      `${options.poolSize}`,
      ...lostCpuFlags(options),
      ...modelFlag(options),
      ...busFlags(options, trace),
    ]);
    const cpus = await allOrNone(
      Array.from({ length: options.cpus }, (_, cpu) =>
        start(`cpu${cpu}`, [
          "cpu",
          "--id",
          `${cpu}`,
          "--l0",
          l0.address,
          ...modelFlag(options),
          ...busFlags(options, trace),
        ]),
      ),
    );
    await unlessInterrupted(waitForCpus(l0.address, options.cpus, systemClock), signal);
    await unlessInterrupted(waitUntilServing(children, options.natsUrl, systemClock), signal);
    return running(children, trace, [l0, ...cpus]);
  } catch (thrown) {
    await stopAll(children);
    throw thrown;
  }
}

/** As Promise.all, but what fails is told only when the others have ended: none of them starts a child after we have stopped all. */
async function allOrNone<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const ends = await Promise.allSettled(promises);
  return ends.map((end) => {
    if (end.status === "rejected") throw end.reason;
    return end.value;
  });
}

async function unlessInterrupted(waiting: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return await waiting;
  let interrupt = (): void => {};
  const interrupted = new Promise<never>((_, reject) => {
    interrupt = () => reject(new InterruptedError(signal.reason, "the host was starting"));
  });
  if (signal.aborted) interrupt();
  signal.addEventListener("abort", interrupt, { once: true });
  try {
    await Promise.race([waiting, interrupted]);
  } finally {
    signal.removeEventListener("abort", interrupt);
    // Whichever did not win the race has nobody left to hear it.
    waiting.catch(() => {});
    interrupted.catch(() => {});
  }
}

function childOptions(
  command: ServiceCommand,
  options: TargetOptions,
  name: string,
  args: readonly string[],
): ChildOptions {
  const { hostName, natsUrl, logLevel, logsDir } = options;
  // What a user's environment says of our buses and addresses is not meant for our children.
  const { NATS_URL: _nats, TRACE_ADDR: _trace, L0_ADDR: _l0, GRPC_LISTEN: _listen, ...others } = process.env;
  const { LOST_CPU: _lostCpu, CPU_LEASE: _lease, ...env } = others;
  const nats = natsUrl === undefined ? [] : ["--nats", natsUrl];
  const own = name === "trace" ? nats : ["--host-name", hostName];
  return {
    name,
    command,
    args: [...args, "--listen", LISTEN, ...own],
    env: { ...env, VMCSLAB_LOG_LEVEL: logLevel },
    logFile: join(logsDir, `${name}.log`),
  };
}

function busFlags({ natsUrl }: TargetOptions, trace: ServiceChild): string[] {
  return natsUrl === undefined ? ["--trace", trace.address] : ["--nats", natsUrl];
}

function lostCpuFlags({ lostCpu, lease }: TargetOptions): string[] {
  return lostCpu === "wait" ? [] : ["--lost-cpu", lostCpu, "--lease", lease];
}

function modelFlag({ cpuModel }: TargetOptions): string[] {
  return cpuModel === undefined ? [] : ["--cpu-model", cpuModel];
}

function running(
  children: readonly ServiceChild[],
  trace: ServiceChild,
  sources: readonly ServiceChild[],
): RunningTarget {
  const l0Address = sources[0]?.address;
  if (l0Address === undefined) throw new UnavailableError("there is no L0");
  const host = grpcHost(l0Address);
  const traceClient = new TraceClient(trace.address);
  let stopped: Promise<void> | undefined;
  return {
    mode: "embedded",
    host,
    broken: firstUnexpectedEnd(children),
    settle: () => settleEvents(sources, traceClient),
    stop: () => {
      stopped ??= host.close().then(() => {
        traceClient.close();
        return stopAll(children);
      });
      return stopped;
    },
  };
}

function firstUnexpectedEnd(children: readonly ServiceChild[]): Promise<string> {
  return new Promise((resolve) => {
    for (const child of children) {
      void child.ended.then((how) => {
        if (!child.isStopping) resolve(`${child.name} ${how}`);
      });
    }
  });
}

/** CPUs, then L0, then trace: whoever is told something outlives who tells it. */
async function stopAll(children: readonly ServiceChild[]): Promise<void> {
  const isCpu = ({ name }: ServiceChild) => name.startsWith("cpu");
  await Promise.all(children.filter(isCpu).map((child) => child.stop()));
  for (const child of children.filter((other) => !isCpu(other)).toReversed()) await child.stop();
}
