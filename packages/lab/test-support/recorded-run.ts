import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EventFact, HistoryEvent } from "@vmcslab/history";
import { encodeDelimited, eventBatchToWire } from "@vmcslab/runtime";
import type { SourcePosition } from "../src/target/target.js";

type Fact = Omit<EventFact, "operation"> & { readonly operation?: number };
type Told = readonly [source: string, fact: Fact];

const VMCS = { vmcs: 1, region: 0x1000 };

function load(cpu: number, epoch: number): Told {
  const state = { activated: true, launched: false, digest: 7 };
  return [`cpu${cpu}`, { kind: "vmcs.load", cpu, region: VMCS.region, epoch, ...state }];
}

export const CLEAR: Told = [
  "cpu0",
  { kind: "vmcs.clear", cpu: 0, region: VMCS.region, epoch: 1, active: true, launched: false, digest: 7 },
];

/** A VMCS is allocated and moves from CPU 0 to CPU 1. */
export const MOVE: readonly Told[] = [
  ["l0", { kind: "cpu.registered", cpu: 0, epoch: 1 }],
  ["l0", { kind: "cpu.registered", cpu: 1, epoch: 1 }],
  ["cpu0", { kind: "vmx.on", cpu: 0, region: 0xf000 }],
  ["cpu1", { kind: "vmx.on", cpu: 1, region: 0xe000 }],
  ["l0", { kind: "vmcs.allocated", vcpu: 0, role: "vmcs01", ...VMCS }],
  load(0, 1),
  CLEAR,
  load(1, 2),
  ["l0", { kind: "op.begin", operation: 4, instruction: "place", vcpu: 0 }],
  ["l0", { kind: "op.end", operation: 4, instruction: "place", vcpu: 0, status: "ok", definite: true }],
  ["cpu1", { kind: "vmx.off", cpu: 1 }],
  ["cpu0", { kind: "vmx.off", cpu: 0 }],
];

/** The events of a story, numbered per source, in an order that their clocks agree with. */
export function numbered(story: readonly Told[]): HistoryEvent[] {
  const sequences = new Map<string, number>();
  return story.map(([source, fact], index) => {
    const seq = (sequences.get(source) ?? 0) + 1;
    sequences.set(source, seq);
    const lamport = index + 1;
    const times = { lamport, wallUs: lamport, monoNs: lamport };
    return { operation: 0, ...fact, host: "h", source, seq, incarnation: 1, ...times };
  });
}

/** How far each source of a story got. */
export function positionsOf(events: readonly HistoryEvent[]): SourcePosition[] {
  return [...new Set(events.map(({ source }) => source))].map((source) => {
    const published = events.filter((event) => event.source === source).length;
    return { host: "h", source, incarnation: 1, published };
  });
}

/** Writes the event files of a run's folder and gives the folder of the files. */
export function writeHistory(folder: string, events: readonly HistoryEvent[]): string {
  const directory = join(folder, "history");
  mkdirSync(directory, { recursive: true });
  for (const { source } of positionsOf(events)) {
    const own = events.filter((event) => event.source === source);
    const batches = own.map((event) => {
      const { host, incarnation, seq } = event;
      return encodeDelimited(eventBatchToWire({ host, source, incarnation, firstSeq: seq, events: [event] }));
    });
    writeFileSync(join(directory, `h.${source}.1.events`), Buffer.concat(batches));
  }
  return directory;
}
