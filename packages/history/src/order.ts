import type { HistoryEvent } from "./event.js";

/**
 * The one order of a history: Lamport's total order (CACM 21(7), 1978), that is the logical clock, with ties broken by who published. A cause stands
 * before its effects; events that did not influence each other stand in an arbitrary order that is the same on every machine.
 */
export function compareEvents(a: HistoryEvent, b: HistoryEvent): number {
  return a.lamport - b.lamport || compareStrings(a.source, b.source) || a.incarnation - b.incarnation || a.seq - b.seq;
}

/** By code unit, so that no locale has a say. */
function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
