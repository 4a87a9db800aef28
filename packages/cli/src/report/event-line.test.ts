import type { HistoryEvent } from "@vmcslab/history";
import { describe, expect, it } from "vitest";
import { EventFilter, type EventFilterOptions } from "./event-filter.js";
import { formatEvent } from "./event-line.js";

const ENVELOPE = { host: "h", source: "l0", incarnation: 1, lamport: 1, wallUs: 1_700_000_000_000_042, monoNs: 5 };

function event(seq: number, fact: Partial<HistoryEvent> & Pick<HistoryEvent, "kind">): HistoryEvent {
  return { ...ENVELOPE, operation: 0, seq, ...fact };
}

describe("an event as a line", () => {
  it.each([
    [
      event(7, { kind: "vmcs.clear", source: "cpu0", cpu: 0, region: 0x3000, active: true, digest: 255, operation: 4 }),
      "  cpu0 1700000000.000042: vmcs.clear: cpu=0 region=0x3000 active=true digest=0xff op=4 seq=7",
    ],
    [
      event(8, { kind: "pool.recycle", vcpu: 1, vmptr: 0x1000, from: 0x2000, vmcs: 3, order: [0x1000, 0x4000] }),
      "    l0 1700000000.000042: pool.recycle: vcpu=1 vmcs=3 vmptr=0x1000 from=0x2000 order=[0x1000,0x4000] seq=8",
    ],
    [
      event(9, { kind: "ipi.sent", from: 0, to: 10, vmcs: 3, region: 0x3000 }),
      "    l0 1700000000.000042: ipi.sent: vmcs=3 region=0x3000 from=0 to=10 seq=9",
    ],
    [
      event(3, { kind: "fault.injected", source: "faults", cpu: 1, instruction: "delay 50 ms", cause: "slow link" }),
      'faults 1700000000.000042: fault.injected: cpu=1 instruction="delay 50 ms" cause="slow link" seq=3',
    ],
    [
      event(5, { kind: "lease.expired", source: "cpu1", cpu: 1, epoch: 17, count: 2 }),
      "  cpu1 1700000000.000042: lease.expired: cpu=1 epoch=17 count=2 seq=5",
    ],
  ])("%#", (given, line) => {
    expect(formatEvent(given)).toBe(line);
  });
});

describe("a filter", () => {
  const history = [
    event(1, { kind: "vmcs.allocated", vmcs: 1, region: 0x3000 }),
    event(2, { kind: "vmcs.clear", source: "cpu0", cpu: 0, region: 0x3000 }),
    event(3, { kind: "vmcs.clear", source: "cpu1", cpu: 1, region: 0x4000 }),
    event(4, { kind: "ipi.sent", vmcs: 1, region: 0x3000, from: 1, to: 0 }),
    event(5, { kind: "vmcs.freed", vmcs: 1, region: 0x3000 }),
    event(6, { kind: "vmcs.allocated", vmcs: 2, region: 0x3000 }),
    event(7, { kind: "vmcs.clear", source: "cpu1", cpu: 1, region: 0x3000 }),
    event(8, { kind: "pool.recycle", from: 1, vcpu: 0 }),
    event(9, { kind: "writeback.refused", cpu: 2, vmcs: 2, region: 0x3000 }),
    event(10, { kind: "fault.healed", source: "faults", cpu: 2 }),
    event(11, { kind: "vcpu.killed", vcpu: 0, cpu: 2 }),
  ];

  it.each<[string, EventFilterOptions, number[]]>([
    ["nothing asked", { kinds: [] }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
    ["kinds", { kinds: ["vmcs.clear", "ipi.sent"] }, [2, 3, 4, 7]],
    ["a CPU, also as one end of an IPI", { kinds: [], cpu: 1 }, [3, 4, 7]],
    ["a CPU, also what L0 and faults say of it", { kinds: [], cpu: 2 }, [9, 10, 11]],
    ["a VMCS, also what was refused of it", { kinds: [], vmcs: 2 }, [6, 7, 9]],
    ["a VMCS, while the address is its own", { kinds: [], vmcs: 1 }, [1, 2, 4, 5]],
    ["all of them", { kinds: ["vmcs.clear"], cpu: 1, vmcs: 2 }, [7]],
  ])("%s", (_, options, expected) => {
    const filter = new EventFilter(options);
    expect(history.filter((candidate) => filter.takes(candidate)).map(({ seq }) => seq)).toEqual(expected);
  });
});
