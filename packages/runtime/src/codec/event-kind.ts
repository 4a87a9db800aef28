import { EVENT_KINDS, type EventKind } from "@vmcslab/history";
import { EventKind as WireEventKind } from "../generated/vmcslab/v1/events.js";
import { InvalidMessage } from "./invalid-message.js";

/** `pool.allocFail` is EVENT_KIND_POOL_ALLOC_FAIL on the wire; generated code drops the prefix. */
export function eventKindWireName(kind: string): string {
  return kind
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replaceAll(".", "_")
    .toUpperCase();
}

const NUMBERS = new Map<string, WireEventKind>(Object.entries(WireEventKind));
const TO_WIRE = new Map<EventKind, WireEventKind>();
const FROM_WIRE = new Map<number, EventKind>();

for (const kind of eventKinds()) {
  const number = NUMBERS.get(eventKindWireName(kind));
  if (number === undefined) throw new Error(`event kind ${kind} has no number in events.proto`);
  TO_WIRE.set(kind, number);
  FROM_WIRE.set(number, kind);
}

/** All kinds, in the order of the vocabulary. */
export function eventKinds(): EventKind[] {
  const kinds: EventKind[] = [];
  for (const kind in EVENT_KINDS) if (isEventKind(kind)) kinds.push(kind);
  return kinds;
}

export function isEventKind(name: string): name is EventKind {
  return Object.hasOwn(EVENT_KINDS, name);
}

export function eventKindToWire(kind: EventKind): WireEventKind {
  return TO_WIRE.get(kind) ?? WireEventKind.UNSPECIFIED;
}

/** Throws {@link InvalidMessage} for a kind that this version does not know. */
export function eventKindFromWire(wire: number): EventKind {
  const kind = FROM_WIRE.get(wire);
  if (kind === undefined) throw new InvalidMessage(`event kind ${wire} is not known`);
  return kind;
}
