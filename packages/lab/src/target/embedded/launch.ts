/** The embedded target: trace, L0 and every CPU as a child process on loopback. */
import { rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemClock, TraceClient } from "@vmcslab/runtime";
import { InterruptedError, UnavailableError } from "../../errors.js";
import { grpcHost } from "../grpc-host.js";
import { Injector } from "../injector.js";
import type { RunningTarget, TargetOptions } from "../target.js";
import { waitForCpus } from "../wait-for-cpus.js";
import { type ChildOptions, ServiceChild } from "./child.js";
import { childEnvironment } from "./child-environment.js";
import { settleEvents } from "./event-counts.js";
import { EmbeddedProcesses } from "./processes.js";
import { waitUntilServing } from "./wait-until-serving.js";

/** Program and arguments that `cpu`, `l0` and `trace` are put behind. */
export type ServiceCommand = readonly [string, ...string[]];

/**
 * Starts a host. Throws UnavailableError when a service does not come up, and InterruptedError when the signal comes first; nothing is
 * left running then.
 */
export async function launchEmbedded(
  command: ServiceCommand,
  options: TargetOptions,
  signal?: AbortSignal,
): Promise<RunningTarget> {
  const services = new Map<string, readonly string[]>();
  const processes = new EmbeddedProcesses((name, listen) =>
    ServiceChild.start({
      ...childOptions(command, options, name, [...(services.get(name) ?? []), "--listen", listen]),
      ...(signal === undefined ? {} : { signal }),
    }),
  );
  const start = (name: string, args: readonly string[]): Promise<ServiceChild> => {
    services.set(name, args);
    return processes.start(name);
  };
  try {
    const trace = await start("trace", ["trace", "--dir", options.historyDir]);
    const l0 = await start("l0", [
      "l0",
      "--pool-size",
      `${options.poolSize}`,
      ...designFlags(options),
      ...lostCpuFlags(options),
      ...journalFlags(options),
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
          // The run is over when they are stopped, and its history: nothing must happen any more.
          "--drain",
          "0s",
          ...modelFlag(options),
          ...busFlags(options, trace),
        ]),
      ),
    );
    const whole = async (): Promise<void> => {
      await unlessInterrupted(waitForCpus(l0.address, options.cpus, systemClock), signal);
      await unlessInterrupted(waitUntilServing(processes.all, options.natsUrl, systemClock), signal);
    };
    await whole();
    return running(processes, trace, [l0, ...cpus], options, whole);
  } catch (thrown) {
    await processes.stopAll();
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
  const nats = natsUrl === undefined ? [] : ["--nats", natsUrl];
  const own = name === "trace" ? nats : ["--host-name", hostName];
  return {
    name,
    command,
    args: [...args, ...own],
    env: childEnvironment(process.env, logLevel, options.natsLogin),
    logFile: join(logsDir, `${name}.log`),
  };
}

/** What a service that is killed had not published, its next life publishes. */
function busFlags(options: TargetOptions, trace: ServiceChild): string[] {
  const { natsUrl } = options;
  const bus = natsUrl === undefined ? ["--trace", trace.address] : ["--nats", natsUrl];
  return [...bus, "--spool", spoolOf(options)];
}

function spoolOf({ historyDir }: TargetOptions): string {
  return join(dirname(historyDir), "spool");
}

function designFlags({ design: { vmcs02, preparation, clearing } }: TargetOptions): string[] {
  return ["--design", vmcs02, "--preparation", preparation, "--clearing", clearing];
}

function lostCpuFlags({ lostCpu, lease }: TargetOptions): string[] {
  return lostCpu === "wait" ? [] : ["--lost-cpu", lostCpu, "--lease", lease];
}

function modelFlag({ cpuModel }: TargetOptions): string[] {
  return cpuModel === undefined ? [] : ["--cpu-model", cpuModel];
}

function journalFlags({ journal }: TargetOptions): string[] {
  return journal === undefined ? [] : ["--journal", `file:${journal}`];
}

function running(
  processes: EmbeddedProcesses,
  trace: ServiceChild,
  sources: readonly ServiceChild[],
  options: TargetOptions,
  whole: () => Promise<void>,
): RunningTarget {
  const l0Address = sources[0]?.address;
  if (l0Address === undefined) throw new UnavailableError("there is no L0");
  const host = grpcHost(l0Address);
  const traceClient = new TraceClient(trace.address);
  const injector = new Injector(options, trace.address);
  let stopped: Promise<void> | undefined;
  return {
    mode: "embedded",
    host,
    faults: { l0Address, processes, emit: injector.emit, whole },
    broken: processes.broken,
    settle: async () => await settleEvents(sources, traceClient, await injector.settle()),
    stop: () => {
      stopped ??= host.close().then(async () => {
        traceClient.close();
        await injector.close();
        await processes.stopAll();
        // What somebody left in it that nobody published stays.
        await rmdir(spoolOf(options)).catch(() => undefined);
      });
      return stopped;
    },
  };
}
