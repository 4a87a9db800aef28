import type { SequencePosition } from "../bus/recorder.js";
import type { FlushEventsResponse } from "../generated/vmcslab/v1/source.js";
import { toNumber } from "./numbers.js";

export function positionToWire(position: SequencePosition): FlushEventsResponse {
  const { incarnation, published, dropped } = position;
  return {
    ...position,
    incarnation: BigInt(incarnation),
    published: BigInt(published),
    dropped: BigInt(dropped),
  };
}

export function positionFromWire(wire: FlushEventsResponse): SequencePosition {
  const { host, source, incarnation, published, dropped, complete } = wire;
  return {
    host,
    source,
    incarnation: toNumber(incarnation, "incarnation"),
    published: toNumber(published, "published"),
    dropped: toNumber(dropped, "dropped"),
    complete,
  };
}
