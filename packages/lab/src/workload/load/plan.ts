/** What a workload's load is to be, from what the experiment file says. */

import { parseDurationNs, parseRate, parseWarmup, type WarmupLength, WHILE_FAULTS } from "../../experiment/units.js";
import type { LoadEntry } from "../../experiment/workload-schema.js";

/** What is measured: so many units, so long, or until every fault is over. */
export type Extent = { readonly units: number } | { readonly durationNs: number } | typeof WHILE_FAULTS;

/** When a unit begins: as soon as a vcpu is free, or when it is due. */
export type LoadModel =
  | { readonly model: "closed" }
  | { readonly model: "open"; readonly ratePerSecond: number; readonly arrivals: "poisson" | "constant" };

export interface LoadPlan {
  /** What one unit is, for people. */
  readonly unit: string;
  readonly extent: Extent;
  readonly load: LoadModel;
  readonly warmup?: WarmupLength;
}

interface Options {
  readonly load: LoadEntry;
  readonly warmup?: string | undefined;
  readonly duration?: string | undefined;
  readonly units?: number | undefined;
}

export function loadPlan(unit: string, { load, warmup, duration, units }: Options): LoadPlan {
  const length = warmup === undefined ? undefined : parseWarmup(warmup);
  return {
    unit,
    extent: extentOf(duration, units),
    load: modelOf(load),
    ...(length === undefined ? {} : { warmup: length }),
  };
}

/** How long a workload is, for people. */
export function describeExtent({ extent, load, warmup }: LoadPlan, units: string): string {
  const measured = extent === WHILE_FAULTS ? "as long as the faults last" : describeLength(extent, units);
  const before =
    warmup === undefined ? "" : ` after a warm-up of ${describeLength(warmup, units).replace(/^for /, "")}`;
  const model =
    load.model === "closed" ? "" : `, open model: ${load.ratePerSecond} a second, ${load.arrivals} arrivals`;
  return `${measured}${before}${model}`;
}

function describeLength(length: WarmupLength, units: string): string {
  return "units" in length ? `${length.units} ${units}` : `for ${length.durationNs / 1e9} s`;
}

function modelOf(load: LoadEntry): LoadModel {
  if (load === "closed") return { model: "closed" };
  const { rate, arrivals } = load.open;
  const ratePerSecond = parseRate(rate);
  if (ratePerSecond === undefined) throw new Error(`not a rate: ${rate}`);
  return { model: "open", ratePerSecond, arrivals };
}

function extentOf(duration: string | undefined, units: number | undefined): Extent {
  if (units !== undefined) return { units };
  if (duration === undefined || duration === WHILE_FAULTS) return WHILE_FAULTS;
  const durationNs = parseDurationNs(duration);
  if (durationNs === undefined) throw new Error(`not a duration: ${duration}`);
  return { durationNs };
}
