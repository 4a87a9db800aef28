import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EventFact, HistoryEvent } from "../event.js";
import { ChromeTrace } from "./chrome.js";
import type { ChromeRecord } from "./chrome-process.js";
import { traceLine } from "./text.js";

type Told = readonly [source: string, fact: Omit<EventFact, "operation">];

const VMCS = { vmcs: 1, region: 0x1000, epoch: 1 };
const SENT: Told = ["l0", { kind: "ipi.sent", from: 1, to: 0, ...VMCS }];
const CLEARED: Told = ["cpu0", { kind: "vmcs.clear", cpu: 0, region: 0x1000, epoch: 1, active: true }];
const timing = { handedNs: 6100, arrivedNs: 7800, receivedNs: 6300, waitedNs: 100, executedNs: 500, flushedNs: 200 };
const ACKED: Told = ["l0", { kind: "ipi.acked", from: 1, to: 0, ...VMCS, timing: { ...timing, oneClock: true } }];
const STORY: readonly Told[] = [
  ["l0", { kind: "vmcs.allocated", vcpu: 0, vmcs: 1, region: 0x1000, role: "vmcs02" }],
  ["cpu0", { kind: "vmcs.load", cpu: 0, region: 0x1000, epoch: 1, activated: true }],
  ["cpu0", { kind: "vm.entry", cpu: 0, region: 0x1000, instruction: "vmlaunch" }],
  ["cpu0", { kind: "vm.exit", cpu: 0, region: 0x1000, reason: 10 }],
  ["l0", { kind: "op.begin", instruction: "place", vcpu: 0 }],
  SENT,
  CLEARED,
  ACKED,
  ["l0", { kind: "op.end", instruction: "place", vcpu: 0, status: "ok" }],
];

function numbered(story: readonly Told[]): HistoryEvent[] {
  return story.map(([source, fact], index) => {
    const time = { lamport: index + 1, wallUs: index + 1, monoNs: (index + 1) * 1000 };
    return { operation: 4, ...fact, host: "h", source, seq: index + 1, incarnation: 1, ...time };
  });
}

function recordsOf(events: readonly HistoryEvent[]): ChromeRecord[] {
  const trace = new ChromeTrace();
  return [...events.flatMap((event) => trace.observe(event, event.wallUs)), ...trace.end()];
}

const brief = ({ ph, pid, ts, name }: ChromeRecord): string => `${ph} ${pid} ${Number(ts.toFixed(3))} ${name}`;

describe("a history as a Chrome trace", () => {
  it("has guests, active VMCSs, operations, and clears with their phases and arrows", () => {
    const drawn = recordsOf(numbered(STORY)).filter(({ ph }) => ph !== "M" && ph !== "X");
    expect(drawn.map(brief)).toEqual([
      "b 2 2 vmcs02 1",
      "C 2 2 active VMCSs",
      "B 2 3 vmcs02 1",
      "E 2 4 vmcs02 1",
      "b 1 5 vcpu 0: place",
      "s 1 6 clear",
      "e 2 7 vmcs02 1",
      "C 2 7 active VMCSs",
      "t 2 7 clear",
      "f 1 8 clear",
      "b 1 6 clear 1 to 0",
      ...["queued 6 6.1", "wire 6.1 6.3", "waiting 6.3 6.4", "executing 6.4 6.7", "flush 6.7 6.9", "back 6.9 7.8"]
        .concat("completing 7.8 8")
        .flatMap((phase) => {
          const [name, from, to] = phase.split(" ");
          return [`b 1 ${from} ${name}`, `e 1 ${to} ${name}`];
        }),
      "e 1 8 clear 1 to 0",
      "e 1 9 vcpu 0: place",
    ]);
  });

  it("marks a clear that nothing came back from as lost, and ends no arrow", () => {
    const records = recordsOf(numbered(STORY.filter((told) => told !== ACKED)));
    expect(records.filter(({ ph }) => ph === "f")).toEqual([]);
    expect(records.filter(({ ph }) => ph === "i")).toMatchObject([{ name: "clear lost", args: { flow: 1 } }]);
  });

  it("ends every slice and arrow, with times that ascend in each row, whatever is missing from the history", () => {
    const told = fc.tuple(
      fc.constantFrom(...STORY, ["cpu0", { kind: "vmx.off", cpu: 0 }] as const),
      fc.nat(50),
      fc.nat(1),
    );
    fc.assert(
      fc.property(fc.array(told, { maxLength: 40 }), (story) => {
        const events = numbered(story.map(([fact]) => fact));
        const records = recordsOf(
          events.map((event, index) => ({
            ...event,
            wallUs: story[index]?.[1] ?? 0,
            incarnation: story[index]?.[2] ?? 0,
          })),
        );
        const count = (wanted: string): number => records.filter(({ ph }) => ph === wanted).length;
        expect(count("B")).toBe(count("E"));
        expect(count("b")).toBe(count("e"));
        expect(count("s")).toBe(count("f") + count("i"));
        const lastUs = new Map<string, number>();
        for (const { pid, tid, ts, cat } of records.filter(({ ph, cat }) => ph !== "M" && cat !== "crossCpuClear")) {
          const row = `${pid}/${tid}/${cat}`;
          expect(ts).toBeGreaterThanOrEqual(lastUs.get(row) ?? 0);
          lastUs.set(row, ts);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("an event as a line of a trace", () => {
  it("has KVM's name or its own, the CPU, and what the event says", () => {
    const lines = numbered([CLEARED, STORY[2] ?? CLEARED, SENT]).map((event) => traceLine(event, 12_345_678));
    expect(lines).toEqual([
      "cpu0-1 [000] 12.345678: vmcs_clear: operation=4 cpu=0 region=0x1000 epoch=1 active=1",
      "cpu0-1 [000] 12.345678: kvm_entry: operation=4 cpu=0 region=0x1000 instruction=vmlaunch",
      "l0-1 [---] 12.345678: ipi_sent: operation=4 from=1 to=0 vmcs=1 region=0x1000 epoch=1",
    ]);
  });
});
