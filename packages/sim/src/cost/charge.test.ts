import type { BatchInstruction, InstructionResult } from "@vmcslab/nested";
import { Field } from "@vmcslab/vmx";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BatchCost } from "./charge.js";
import { DEFAULT_MODEL } from "./default-model.js";
import { costModelFor } from "./generations.js";
import { COST_ROWS, type CostRow } from "./rows.js";
import { mergeTotals, NO_CYCLES, sumOfTotals } from "./totals.js";

type Executed = readonly [BatchInstruction, InstructionResult];

const DONE = { status: "succeed" } as const;
const ENTERED = { status: "vmentry" } as const;
const LEFT = { status: "vmexit", reason: 1 } as const;
const SKIPPED = { status: "skipped" } as const;

const values = (...encodings: number[]) => ({ encodings, low: encodings.map(() => 1), high: encodings.map(() => 0) });
const PLAIN = [Field.HOST_TR_BASE, Field.HOST_GDTR_BASE, Field.HOST_IA32_SYSENTER_ESP] as const;
const CONTROLS = [
  Field.PIN_BASED_VM_EXEC_CONTROL,
  Field.CPU_BASED_VM_EXEC_CONTROL,
  Field.SECONDARY_VM_EXEC_CONTROL,
  Field.VM_EXIT_CONTROLS,
  Field.VM_ENTRY_CONTROLS,
] as const;

const write = (...encodings: number[]): Executed => [{ kind: "vmwrite", fields: values(...encodings) }, DONE];
const select = (region = 0x1000): Executed => [{ kind: "vmptrld", region, epoch: 1 }, DONE];
const load = (region = 0x1000): Executed => [{ kind: "vmptrld", region, epoch: 1, image: values() }, DONE];
const clear = (region = 0x1000, ...dirty: number[]): Executed => [
  { kind: "vmclear", region, epoch: 1 },
  { ...DONE, launched: true, fields: values(...dirty) },
];
const launch: Executed = [{ kind: "vmlaunch" }, ENTERED];
const resume: Executed = [{ kind: "vmresume" }, ENTERED];
const read: Executed = [
  { kind: "vmread", encodings: [...PLAIN] },
  { ...DONE, fields: values(...PLAIN) },
];
const leave: Executed = [
  { kind: "guestExit", reason: 10, qualificationLow: 0, qualificationHigh: 0, guest: values(Field.GUEST_RIP) },
  { status: "vmexit", reason: 10 },
];
const interrupt = (result: InstructionResult): Executed => [{ kind: "interrupt" }, result];
const resumeInterrupted = (result: InstructionResult): Executed => [{ kind: "resumeInterrupted" }, result];

function charge(cost: BatchCost, executed: readonly Executed[]): number {
  return cost.charge(
    executed.map(([step]) => step),
    executed.map(([, result]) => result),
  );
}

/** What was charged, by row, as numbers of times. */
function charged(...executed: readonly Executed[]): Partial<Record<CostRow, number>> {
  const cost = new BatchCost(DEFAULT_MODEL);
  const cycles = charge(cost, executed);
  const totals = cost.totals();
  expect(sumOfTotals(totals)).toBe(cycles);
  const rows = COST_ROWS.filter((row) => totals[row] > 0);
  return Object.fromEntries(rows.map((row) => [row, totals[row] / DEFAULT_MODEL.rows[row].cycles]));
}

describe("each step is charged by its rows, and by no other", () => {
  test.each<[string, readonly Executed[], Partial<Record<CostRow, number>>]>([
    ["three VMREADs", [read], { vmread: 3 }],
    ["VMWRITEs", [write(...PLAIN)], { vmwrite: 3 }],
    ["VMWRITEs of which five are of control words", [write(...CONTROLS, ...PLAIN)], { vmwrite: 3, vmwriteControl: 5 }],
    ["VMPTRLD of an active VMCS", [select()], { vmptrldActive: 1 }],
    ["VMPTRLD with an image", [load()], { vmptrldLoad: 1 }],
    ["VMCLEAR without a changed field", [clear()], { vmclearClean: 1 }],
    ["VMCLEAR of a fresh region", [[{ kind: "vmclear", region: 0x1000, epoch: 0 }, DONE]], { vmclearClean: 1 }],
    ["VMCLEAR with one", [clear(0x1000, Field.GUEST_RIP)], { vmclearDirty: 1 }],
    ["VMCLEAR of what is not here", [[{ kind: "vmclear", region: 0x1000, epoch: 1 }, { status: "notMine" }]], {}],
    ["VMXON", [[{ kind: "vmxon", region: 0x1000 }, DONE]], { vmxon: 1 }],
    ["VMXOFF", [[{ kind: "vmxoff" }, DONE]], { vmxoff: 1 }],
    ["VMRESUME", [resume], { entry: 1 }],
    ["VMLAUNCH", [launch], { entry: 1, launchExtra: 1 }],
    ["an exit", [leave], { exit: 1 }],
    ["an interrupt in a guest", [interrupt(LEFT)], { exit: 1 }],
    ["an interrupt in root operation", [interrupt(SKIPPED)], {}],
    ["going back to the guest", [resumeInterrupted(ENTERED)], { entry: 1 }],
    ["no guest to go back to", [resumeInterrupted(SKIPPED)], {}],
    ["what fails", [resume, [{ kind: "vmresume" }, { status: "failValid", error: 5 }], resume], { entry: 1 }],
  ])("%s", (_name, executed, rows) => {
    expect(charged(...executed)).toEqual(rows);
  });

  test.each(CONTROLS)("control word %i is rechecked once, at the next entry", (control) => {
    const rows = { vmwriteControl: 1, controlRecheck: 1 };
    expect(charged(write(control), resume, resume)).toEqual({ ...rows, entry: 2 });
    expect(charged(write(control), launch, resume)).toEqual({ ...rows, entry: 2, launchExtra: 1 });
    expect(charged(write(control), resumeInterrupted(ENTERED))).toEqual({ ...rows, entry: 1 });
  });

  test("the VMCS whose control word was written pays, not the one that is entered before it", () => {
    const first = [load(0x1000), write(CONTROLS[0]), load(0x2000), resume];
    expect(charged(...first).controlRecheck).toBeUndefined();
    expect(charged(...first, select(0x1000), resume).controlRecheck).toBe(1);
    expect(charged(...first, clear(0x1000), load(0x1000), launch).controlRecheck).toBeUndefined();
  });

  test("a batch that was stopped: only what has results", () => {
    const cost = new BatchCost(DEFAULT_MODEL);
    expect(cost.charge([{ kind: "vmresume" }, { kind: "vmresume" }], [ENTERED])).toBe(600);
  });

  test("messages, one way each", () => {
    const cost = new BatchCost(DEFAULT_MODEL);
    expect([cost.chargeIpi("ipiSend"), cost.chargeIpi("ipiAck")]).toEqual([1500, 1500]);
    expect(cost.totals()).toEqual({ ...NO_CYCLES, ipiSend: 1500, ipiAck: 1500 });
  });
});

describe("a migration", () => {
  const migrate = (model = DEFAULT_MODEL, ...from: readonly Executed[]): number => {
    const [old, next] = [new BatchCost(model), new BatchCost(model)];
    charge(old, from);
    charge(next, [load(), write(...PLAIN), launch]);
    next.chargeIpi("ipiSend");
    next.chargeIpi("ipiAck");
    return sumOfTotals(mergeTotals(old.totals(), next.totals()));
  };
  const dirty = clear(0x1000, Field.GUEST_RIP);
  const busy = [interrupt(LEFT), dirty, resumeInterrupted(ENTERED)];

  test("off a CPU that runs another guest: exit, clear, entry; call and answer; load, three host fields, launch", () => {
    expect(migrate(DEFAULT_MODEL, ...busy)).toBe(600 + 600 + 600 + 1500 + 1500 + 500 + 3 * 10 + 600 + 500);
    expect(migrate(DEFAULT_MODEL, ...busy)).toBe(6430);
  });

  test("off an idle CPU it is cheaper by a round trip, and off the CPU that runs it by an entry", () => {
    expect(migrate(DEFAULT_MODEL, interrupt(SKIPPED), dirty, resumeInterrupted(SKIPPED))).toBe(5230);
    expect(migrate(DEFAULT_MODEL, interrupt(LEFT), dirty, resumeInterrupted(SKIPPED))).toBe(5830);
  });

  test("on another generation entry and exit cost what they cost there", () => {
    expect(migrate(costModelFor("corei7_sandy_bridge_2600k"), ...busy)).toBe(6430 - 3 * 600 + 3 * 392);
  });
});

describe("batches one after the other", () => {
  const step = fc.oneof(
    fc.constantFrom(launch, resume, leave, read, interrupt(LEFT), interrupt(SKIPPED), resumeInterrupted(ENTERED)),
    fc.constantFrom(0x1000, 0x2000, 0x3000).chain((r) => fc.constantFrom(load(r), select(r), clear(r), clear(r, 1))),
    fc.subarray([...PLAIN, ...CONTROLS]).map((encodings) => write(...encodings)),
  );
  const batch = fc.array(step, { maxLength: 20 });

  test("on one CPU cost what they cost as one batch, and the totals are all of it", () => {
    fc.assert(
      fc.property(fc.array(batch, { maxLength: 6 }), (batches) => {
        const [apart, joined] = [new BatchCost(DEFAULT_MODEL), new BatchCost(DEFAULT_MODEL)];
        const sum = batches.reduce((cycles, one) => cycles + charge(apart, one), 0);
        expect(charge(joined, batches.flat())).toBe(sum);
        expect(apart.totals()).toEqual(joined.totals());
        expect(sumOfTotals(apart.totals())).toBe(sum);
      }),
    );
  });

  test("each on a CPU that remembers nothing: the same but for rechecks", () => {
    fc.assert(
      fc.property(batch, batch, (a, b) => {
        const [first, second, joined] = [0, 1, 2].map(() => new BatchCost(DEFAULT_MODEL)).values();
        if (first === undefined || second === undefined || joined === undefined) throw new Error("three were made");
        charge(first, a);
        charge(second, b);
        charge(joined, [...a, ...b]);
        const apart = mergeTotals(first.totals(), second.totals());
        expect({ ...joined.totals(), controlRecheck: 0 }).toEqual({ ...apart, controlRecheck: 0 });
      }),
    );
  });
});
