import { expect, it } from "vitest";
import { EVENT_KINDS, type EventKind } from "../event.js";
import { CPU_KINDS, FAULT_KINDS } from "./publishers.js";

it("every kind is routed to the publisher that the vocabulary names", () => {
  const routed = Object.keys(EVENT_KINDS).map((kind) => [kind, publisherOf(kind as EventKind)]);
  const documented = Object.entries(EVENT_KINDS).map(([kind, said]) => [kind, said.split(":")[0]]);
  expect(routed).toEqual(documented);
});

function publisherOf(kind: EventKind): "cpu" | "faults" | "l0" {
  if (CPU_KINDS.has(kind)) return "cpu";
  return FAULT_KINDS.has(kind) ? "faults" : "l0";
}
