import type { ClearTiming } from "@vmcslab/history";
import type { BatchTiming } from "@vmcslab/nested";
import type { ClearTiming as WireClearTiming } from "../generated/vmcslab/v1/events.js";
import type { BatchTiming as WireBatchTiming } from "../generated/vmcslab/v1/interconnect.js";
import { toNumber } from "./numbers.js";

export function batchTimingToWire({ receivedNs, waitedNs, executedNs, flushedNs }: BatchTiming): WireBatchTiming {
  return {
    receivedNs: BigInt(receivedNs),
    waitedNs: BigInt(waitedNs),
    executedNs: BigInt(executedNs),
    flushedNs: flushedNs.map(BigInt),
  };
}

export function batchTimingFromWire(message: WireBatchTiming): BatchTiming {
  return {
    // A monotonic clock may be past 2^53 ns; it is then exact to 2 ns.
    receivedNs: Number(message.receivedNs),
    waitedNs: toNumber(message.waitedNs, "waited_ns"),
    executedNs: toNumber(message.executedNs, "executed_ns"),
    flushedNs: message.flushedNs.map((flushed) => toNumber(flushed, "flushed_ns")),
  };
}

export function clearTimingToWire(timing: ClearTiming): WireClearTiming {
  return {
    handedNs: BigInt(timing.handedNs),
    arrivedNs: BigInt(timing.arrivedNs),
    receivedNs: BigInt(timing.receivedNs),
    waitedNs: BigInt(timing.waitedNs),
    executedNs: BigInt(timing.executedNs),
    flushedNs: BigInt(timing.flushedNs),
    oneClock: timing.oneClock,
  };
}

export function clearTimingFromWire(message: WireClearTiming): ClearTiming {
  return {
    handedNs: Number(message.handedNs),
    arrivedNs: Number(message.arrivedNs),
    receivedNs: Number(message.receivedNs),
    waitedNs: toNumber(message.waitedNs, "waited_ns"),
    executedNs: toNumber(message.executedNs, "executed_ns"),
    flushedNs: toNumber(message.flushedNs, "flushed_ns"),
    oneClock: message.oneClock,
  };
}
