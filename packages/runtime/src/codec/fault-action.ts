import {
  ANY_CPU,
  type CpuChoice,
  type CrashMoment,
  DUPLICATE_COPIES,
  type FaultAction,
  REORDER_BY_NS,
} from "@vmcslab/faults";
import { Resource, CrashMoment as WireCrashMoment, type Fault as WireFault } from "../generated/vmcslab/v1/faults.js";
import { LIMITS, shown } from "../limits.js";
import { delayFromWire, delayToWire } from "./fault-delay.js";
import { durationNs } from "./fault-duration.js";
import { InvalidMessage } from "./invalid-message.js";
import { NameCodec } from "./names.js";
import { between as within } from "./ranges.js";

type WireAction = NonNullable<WireFault["action"]>;

const CPU_MAX = LIMITS.cpu.max;
const COPIES_MAX = LIMITS.copies.max;
const PPM_MAX = 500_000;
const TIMES_MAX = 1_000_000_000;

const MOMENT = new NameCodec<CrashMoment, WireCrashMoment>("when: crash moment", {
  now: WireCrashMoment.NOW,
  beforeFlush: WireCrashMoment.BEFORE_FLUSH,
  afterFlush: WireCrashMoment.AFTER_FLUSH,
});
const RESOURCE = new NameCodec<"node" | "page", Resource>("what: resource", {
  node: Resource.NODE,
  page: Resource.PAGE,
});

/** Throws for a fault of any CPU: whoever injects draws which one. */
export function actionToWire(action: FaultAction): WireAction {
  switch (action.kind) {
    case "dropRequest":
    case "dropReply":
    case "crashL0":
    case "stopBus":
      return { $case: action.kind, value: {} };
    case "delay":
      return { $case: "delay", value: delayToWire(action.delay) };
    case "duplicate":
      return { $case: "duplicate", value: { copies: action.copies } };
    case "reorder":
      return { $case: "reorder", value: { byNs: BigInt(action.byNs) } };
    case "error":
      return { $case: "error", value: { definite: action.definite } };
    case "stall":
    case "partition":
    case "offline":
    case "online":
      return { $case: action.kind, value: { cpu: drawn(action.cpu) } };
    case "crash":
      return { $case: "crash", value: { cpu: drawn(action.cpu), when: MOMENT.toWire(action.when) } };
    case "clockSkew": {
      const clock = action.clock === "l0" ? "l0" : `cpu${action.clock}`;
      return { $case: "clockSkew", value: { clock, ppm: action.ppm, offsetNs: BigInt(action.offsetNs) } };
    }
    case "refuseAllocation":
      return { $case: "refuseAllocation", value: { what: RESOURCE.toWire(action.what), times: action.times } };
  }
}

/** Throws {@link InvalidMessage} for what is out of range. */
export function actionFromWire(action: WireAction): FaultAction {
  switch (action.$case) {
    case "dropRequest":
    case "dropReply":
    case "crashL0":
    case "stopBus":
      return { kind: action.$case };
    case "delay":
      return { kind: "delay", delay: delayFromWire(action.value) };
    case "duplicate":
      return {
        kind: "duplicate",
        copies: within(action.value.copies === 0 ? DUPLICATE_COPIES : action.value.copies, 1, COPIES_MAX, "copies"),
      };
    case "reorder": {
      const byNs = durationNs(action.value.byNs, "by_ns");
      return { kind: "reorder", byNs: byNs === 0 ? REORDER_BY_NS : byNs };
    }
    case "error":
      return { kind: "error", definite: action.value.definite };
    case "stall":
    case "partition":
    case "offline":
    case "online":
      return { kind: action.$case, cpu: within(action.value.cpu, 0, CPU_MAX, "cpu") };
    case "crash": {
      const { cpu, when } = action.value;
      const moment = when === WireCrashMoment.UNSPECIFIED ? "now" : MOMENT.fromWire(when);
      return { kind: "crash", cpu: within(cpu, 0, CPU_MAX, "cpu"), when: moment };
    }
    case "clockSkew": {
      const { clock, ppm, offsetNs } = action.value;
      return {
        kind: "clockSkew",
        clock: clockFromWire(clock),
        ppm: within(ppm, -PPM_MAX, PPM_MAX, "ppm"),
        offsetNs: durationNs(offsetNs, "offset_ns"),
      };
    }
    case "refuseAllocation": {
      const { what, times } = action.value;
      return {
        kind: "refuseAllocation",
        what: RESOURCE.fromWire(what),
        times: within(times === 0 ? 1 : times, 1, TIMES_MAX, "times"),
      };
    }
  }
}

function clockFromWire(clock: string): number | "l0" {
  if (clock === "l0") return "l0";
  const [, digits] = /^cpu(\d{1,2})$/.exec(clock) ?? [];
  if (digits === undefined) throw new InvalidMessage(`clock "${shown(clock)}" is neither l0 nor a CPU such as cpu3`);
  return within(Number(digits), 0, CPU_MAX, "clock");
}

function drawn(cpu: CpuChoice): number {
  if (cpu === ANY_CPU) throw new RangeError("a fault of any CPU is drawn by whoever injects it");
  return cpu;
}
