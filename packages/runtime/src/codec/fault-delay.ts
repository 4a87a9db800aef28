import type { Distribution } from "@vmcslab/faults";
import type { FaultDelay } from "../generated/vmcslab/v1/faults.js";
import { LIMITS } from "../limits.js";
import { durationNs } from "./fault-duration.js";
import { InvalidMessage } from "./invalid-message.js";
import { required } from "./numbers.js";

const SAMPLES_MAX = LIMITS.samples.max;

export function delayToWire(delay: Distribution): FaultDelay {
  if ("constant" in delay) return { delay: { $case: "constantNs", value: BigInt(delay.constant) } };
  if ("uniform" in delay) {
    const { min, max } = delay.uniform;
    return { delay: { $case: "uniform", value: { minNs: BigInt(min), maxNs: BigInt(max) } } };
  }
  if ("exponential" in delay) return { delay: { $case: "exponentialMeanNs", value: BigInt(delay.exponential.mean) } };
  if ("logNormal" in delay) {
    const { p50, p99 } = delay.logNormal;
    return { delay: { $case: "logNormal", value: { p50Ns: BigInt(p50), p99Ns: BigInt(p99) } } };
  }
  if ("pareto" in delay) {
    const { scale, shape } = delay.pareto;
    return { delay: { $case: "pareto", value: { scaleNs: BigInt(scale), shape } } };
  }
  return { delay: { $case: "empirical", value: { samplesNs: delay.empirical.map(BigInt) } } };
}

/** Throws {@link InvalidMessage} for numbers that make no distribution. */
export function delayFromWire(message: FaultDelay): Distribution {
  const delay = required(message.delay, "the delay's distribution");
  switch (delay.$case) {
    case "constantNs":
      return { constant: durationNs(delay.value, "constant_ns") };
    case "exponentialMeanNs":
      return { exponential: { mean: durationNs(delay.value, "exponential_mean_ns") } };
    case "uniform": {
      const min = durationNs(delay.value.minNs, "min_ns");
      const max = durationNs(delay.value.maxNs, "max_ns");
      if (min > max) throw new InvalidMessage(`min_ns ${min} is above max_ns ${max}`);
      return { uniform: { min, max } };
    }
    case "logNormal": {
      const p50 = durationNs(delay.value.p50Ns, "p50_ns");
      const p99 = durationNs(delay.value.p99Ns, "p99_ns");
      if (p50 === 0 || p50 > p99) throw new InvalidMessage(`p50_ns ${p50} must be above 0 and not above p99_ns ${p99}`);
      return { logNormal: { p50, p99 } };
    }
    case "pareto": {
      const scale = durationNs(delay.value.scaleNs, "scale_ns");
      const { shape } = delay.value;
      if (scale === 0) throw new InvalidMessage("scale_ns must be above 0");
      if (!(shape > 0 && Number.isFinite(shape))) throw new InvalidMessage(`shape ${shape} must be above 0`);
      return { pareto: { scale, shape } };
    }
    case "empirical": {
      const { samplesNs } = delay.value;
      if (samplesNs.length < 1 || samplesNs.length > SAMPLES_MAX)
        throw new InvalidMessage(`${samplesNs.length} samples_ns: 1 to ${SAMPLES_MAX}`);
      return { empirical: samplesNs.map((ns) => durationNs(ns, "samples_ns")).sort((a, b) => a - b) };
    }
  }
}
