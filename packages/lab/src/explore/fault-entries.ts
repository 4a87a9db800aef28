/** From faults in numbers back to how they are written. */
import type { Distribution, Fault, FaultAction } from "@vmcslab/faults";

/** As in an experiment file, except that measured delays stand in the list themselves: there is no file of them. */
export function faultEntry({ name, at, on, forNs, repeat, match, action }: Fault): Readonly<Record<string, unknown>> {
  return {
    ...(name === undefined ? {} : { name }),
    ...(on === undefined ? { at: durationText(at ?? 0) } : { on }),
    ...(forNs === undefined ? {} : { for: durationText(forNs) }),
    ...(repeat === undefined ? {} : { repeat: { times: repeat.times, every: delayEntry(repeat.every) } }),
    ...(match === undefined ? {} : { match }),
    do: actionEntry(action),
  };
}

/** Exactly so many nanoseconds, with a unit. */
export function durationText(ns: number): string {
  return Math.abs(ns) < 1_000_000 ? `${ns / 1_000}us` : `${ns / 1_000_000}ms`;
}

export function delayEntry(delay: Distribution): Readonly<Record<string, unknown>> {
  if ("constant" in delay) return { constant: durationText(delay.constant) };
  if ("uniform" in delay)
    return { uniform: { min: durationText(delay.uniform.min), max: durationText(delay.uniform.max) } };
  if ("exponential" in delay) return { exponential: { mean: durationText(delay.exponential.mean) } };
  if ("logNormal" in delay)
    return { logNormal: { p50: durationText(delay.logNormal.p50), p99: durationText(delay.logNormal.p99) } };
  if ("pareto" in delay) return { pareto: { scale: durationText(delay.pareto.scale), shape: delay.pareto.shape } };
  return { empirical: delay.empirical.map(durationText) };
}

function actionEntry(action: FaultAction): unknown {
  switch (action.kind) {
    case "delay":
      return { delay: delayEntry(action.delay) };
    case "reorder":
      return { reorder: { by: durationText(action.byNs) } };
    case "clockSkew": {
      const clock = action.clock === "l0" ? "l0" : `cpu${action.clock}`;
      return { clockSkew: { clock, ppm: action.ppm, offset: durationText(action.offsetNs) } };
    }
    case "dropRequest":
    case "dropReply":
    case "crashL0":
    case "stopBus":
      return action.kind;
    default: {
      const { kind, ...settings } = action;
      return { [kind]: settings };
    }
  }
}
