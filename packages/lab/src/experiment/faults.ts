/** From the `faults` of an experiment file to what the simulator and live injection take. */
import {
  type Distribution,
  DUPLICATE_COPIES,
  FAULT_ACTIONS,
  type Fault,
  type FaultAction,
  type FaultKind,
  faultName,
  type HostAction,
  type MessageAction,
  REORDER_BY_NS,
} from "@vmcslab/faults";
import type { ActionEntry } from "./action-schema.js";
import type { DistributionEntry } from "./delay-schema.js";
import type { FaultEntry } from "./fault-schema.js";
import { readSamples } from "./samples.js";
import type { Experiment } from "./schema.js";
import { nanoseconds } from "./units.js";

/** A fault that delays, for those who want to see by how much. */
export interface DelayFault {
  /** As events call it. */
  readonly name: string;
  readonly delay: Distribution;
}

/** The faults of a checked experiment, in its order, with what their kind leaves to a default. Reads measured delays; throws UsageError and UnavailableError. */
export async function readFaults({ faults }: Pick<Experiment, "faults">): Promise<Fault[]> {
  return await Promise.all(faults.map(readFault));
}

/** Those among them that delay messages. Throws as `readFaults` does. */
export async function readDelays(experiment: Pick<Experiment, "faults">): Promise<DelayFault[]> {
  const faults = await readFaults(experiment);
  return faults.flatMap((fault, index) =>
    fault.action.kind === "delay" ? [{ name: faultName(fault, index), delay: fault.action.delay }] : [],
  );
}

/** With the paths of measured delays as `resolvePath` makes them. */
export function faultsWithPaths(faults: readonly FaultEntry[], resolvePath: (path: string) => string): FaultEntry[] {
  const resolved = (delay: DistributionEntry): DistributionEntry =>
    "empirical" in delay ? { empirical: resolvePath(delay.empirical) } : delay;
  return faults.map((fault) => {
    const { do: action, repeat } = fault;
    return {
      ...fault,
      ...(repeat === undefined ? {} : { repeat: { ...repeat, every: resolved(repeat.every) } }),
      ...(typeof action === "object" && "delay" in action ? { do: { delay: resolved(action.delay) } } : {}),
    };
  });
}

/** What an action is called, however it is written. */
export function actionKind(action: ActionEntry): FaultKind {
  const name = typeof action === "string" ? action : Object.keys(action)[0];
  if (name === undefined || !isFaultKind(name)) throw new Error(`not an action: ${name}`);
  return name;
}

async function readFault(entry: FaultEntry): Promise<Fault> {
  const { name, at, on, match } = entry;
  const action = await readAction(entry.do);
  const lease = entry.for === undefined ? FAULT_ACTIONS[action.kind].leaseNs : leaseOf(entry.for);
  const start = {
    ...(name === undefined ? {} : { name }),
    ...(on === undefined ? { at: at === undefined ? 0 : nanoseconds(at) } : { on }),
    ...(lease === undefined ? {} : { forNs: lease }),
    ...(entry.repeat === undefined
      ? {}
      : { repeat: { times: entry.repeat.times, every: await readDistribution(entry.repeat.every) } }),
  };
  return isOnMessages(action) ? { ...start, match: match ?? {}, action } : { ...start, action };
}

function leaseOf(text: string): number | undefined {
  return text === "forever" ? undefined : nanoseconds(text);
}

async function readAction(action: ActionEntry): Promise<FaultAction> {
  if (typeof action === "string") return bareAction(action);
  if ("delay" in action) return { kind: "delay", delay: await readDistribution(action.delay) };
  if ("duplicate" in action) return { kind: "duplicate", ...action.duplicate };
  if ("reorder" in action) return { kind: "reorder", byNs: nanoseconds(action.reorder.by) };
  if ("error" in action) return { kind: "error", ...action.error };
  if ("stall" in action) return { kind: "stall", ...action.stall };
  if ("partition" in action) return { kind: "partition", ...action.partition };
  if ("crash" in action) return { kind: "crash", ...action.crash };
  if ("refuseAllocation" in action) return { kind: "refuseAllocation", ...action.refuseAllocation };
  if ("offline" in action) return { kind: "offline", ...action.offline };
  if ("online" in action) return { kind: "online", ...action.online };
  const { clock, ppm, offset } = action.clockSkew;
  return {
    kind: "clockSkew",
    clock: clock === "l0" ? clock : Number(clock.slice("cpu".length)),
    ppm,
    offsetNs: nanoseconds(offset),
  };
}

function bareAction(name: Extract<ActionEntry, string>): FaultAction {
  switch (name) {
    case "duplicate":
      return { kind: name, copies: DUPLICATE_COPIES };
    case "reorder":
      return { kind: name, byNs: REORDER_BY_NS };
    case "error":
      return { kind: name, definite: true };
    default:
      return { kind: name };
  }
}

/** A delay as a file has it, in numbers. */
export async function readDistribution(entry: DistributionEntry): Promise<Distribution> {
  if ("constant" in entry) return { constant: nanoseconds(entry.constant) };
  if ("uniform" in entry)
    return { uniform: { min: nanoseconds(entry.uniform.min), max: nanoseconds(entry.uniform.max) } };
  if ("exponential" in entry) return { exponential: { mean: nanoseconds(entry.exponential.mean) } };
  if ("logNormal" in entry)
    return { logNormal: { p50: nanoseconds(entry.logNormal.p50), p99: nanoseconds(entry.logNormal.p99) } };
  if ("pareto" in entry) return { pareto: { scale: nanoseconds(entry.pareto.scale), shape: entry.pareto.shape } };
  return { empirical: await readSamples(entry.empirical) };
}

function isFaultKind(name: string): name is FaultKind {
  return Object.hasOwn(FAULT_ACTIONS, name);
}

function isOnMessages(action: MessageAction | HostAction): action is MessageAction {
  return FAULT_ACTIONS[action.kind].strikes === "messages";
}
