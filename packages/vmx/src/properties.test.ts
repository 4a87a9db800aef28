/** What must hold for any values and any order (SDM 24.11.2, 30.3). */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkEntryControls, checkGuestState, checkHostState } from "./entry-checks/check.js";
import { Field } from "./field-encodings.js";
import { FieldStore } from "./field-store.js";
import { FIELDS, type FieldInfo } from "./fields.js";
import { Op, type OpCode } from "./instruction.js";
import { type Outcome, Status } from "./outcome.js";
import { modelNamed, TestMachine, VMCS_A, validGuest } from "./testing/test-machine.js";
import { NEVER_CHECKED } from "./vmcs-cache.js";

const BITS = { 16: 16, 32: 32, 64: 64, natural: 64 } as const;
const u64 = fc.bigInt({ min: 0n, max: 0xffffffffffffffffn });
const writable = FIELDS.filter((field) => !field.readOnly);
const field = fc.constantFrom(...writable);
const cut = (info: FieldInfo, value: bigint): bigint => BigInt.asUintN(BITS[info.width], value);

/** What an entry was answered with. */
function verdict({ status, error, reason, qualificationLow }: Outcome): readonly number[] {
  if (status === Status.failValid) return [status, error];
  return status === Status.vmexit ? [status, reason, qualificationLow] : [status];
}

describe("VMWRITE and VMREAD", () => {
  test.each(["corei7_sandy_bridge_2600k", "tigerlake"])(
    "%s: VMREAD returns what VMWRITE wrote, cut to the field's width",
    (model) => {
      const machine = new TestMachine({ model }).withCurrent();
      fc.assert(
        fc.property(field, u64, (info, value) => {
          const isSupported = machine.model.fieldAccess[info.index] !== 0;
          expect(machine.vmwrite(info.encoding, value).status).toBe(isSupported ? Status.succeed : Status.failValid);
          expect(machine.vmread(info.encoding)).toBe(isSupported ? cut(info, value) : undefined);
        }),
      );
    },
  );

  test("high access reads and writes bits 63:32 of a 64-bit field, and those only", () => {
    const machine = new TestMachine({ model: "tigerlake" }).withCurrent();
    const wide = fc.constantFrom(
      ...writable.filter((info) => info.width === 64 && machine.model.fieldAccess[info.index] !== 0),
    );
    fc.assert(
      fc.property(wide, u64, u64, (info, full, high) => {
        machine.vmwrite(info.encoding, full);
        machine.vmwrite(info.encoding + 1, high);
        expect(machine.vmread(info.encoding + 1)).toBe(high & 0xffffffffn);
        expect(machine.vmread(info.encoding)).toBe(((high & 0xffffffffn) << 32n) | (full & 0xffffffffn));
      }),
    );
  });
});

describe("VMCLEAR", () => {
  test("a VMCLEARed VMCS loads with the same fields on any processor", () => {
    const writes = fc.array(fc.tuple(field, u64), { maxLength: 40 });
    fc.assert(
      fc.property(writes, fc.nat(3), fc.nat(3), (values, from, to) => {
        const machine = new TestMachine({ cpus: 4 });
        for (let cpu = 0; cpu < 4; cpu++) machine.vmxon(cpu);
        machine.vmclear(VMCS_A, from);
        machine.vmptrld(VMCS_A, from);
        for (const [info, value] of values) machine.vmwrite(info.encoding, value, from);
        const digest = machine.cpu(from).fieldsOf(VMCS_A)?.digest();
        machine.vmclear(VMCS_A, from);
        machine.vmptrld(VMCS_A, to);
        expect(machine.cpu(to).fieldsOf(VMCS_A)?.digest()).toBe(digest);
      }),
      { numRuns: 60 },
    );
  });

  test("is idempotent", () => {
    const machine = new TestMachine().withCurrent();
    fc.assert(
      fc.property(field, u64, fc.integer({ min: 1, max: 4 }), (info, value, times) => {
        machine.vmptrld(VMCS_A);
        machine.vmwrite(info.encoding, value);
        const digest = machine.cpu(0).fieldsOf(VMCS_A)?.digest();
        for (let time = 0; time < times; time++) expect(machine.vmclear(VMCS_A).status).toBe(Status.succeed);
        const image = new FieldStore();
        machine.memory.readImage(VMCS_A, image);
        expect(image.digest()).toBe(digest);
        expect(machine.cpu(0).activeVmcss()).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});

describe("skipping checks of unchanged fields is invisible", () => {
  test("NEVER_CHECKED: no value of these fields changes a check", () => {
    const model = modelNamed("tigerlake");
    const fields = new FieldStore();
    for (const [encoding, value] of validGuest(model)) fields.write(encoding, value);
    fc.assert(
      fc.property(fc.constantFrom(...NEVER_CHECKED), u64, (name, value) => {
        fields.write(Field[name], value);
        expect([
          checkEntryControls(fields, model),
          checkHostState(fields, model),
          checkGuestState(fields, model),
        ]).toEqual([undefined, undefined, undefined]);
      }),
    );
  });

  test("a VMCS that was entered before answers like a fresh one with the same fields", () => {
    const changes = fc.array(fc.tuple(field, fc.oneof(u64, fc.constantFrom(0n, 1n, 0x10n, 0x2020n))), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(changes, (values) => {
        const entered = new TestMachine().withCurrent().writeValidGuest();
        entered.run(0, { op: Op.vmlaunch });
        entered.run(0, { op: Op.vmexit, reason: 12 });
        const fresh = new TestMachine().withCurrent().writeValidGuest();
        for (const [info, value] of values) {
          entered.vmwrite(info.encoding, value);
          fresh.vmwrite(info.encoding, value);
        }
        const again = verdict(entered.run(0, { op: Op.vmresume }));
        expect(again).toEqual(verdict(fresh.run(0, { op: Op.vmlaunch })));
      }),
    );
  });
});

test("no order of instructions with any operands throws, and no more than one VMCS is ever current", () => {
  const op = fc.constantFrom<OpCode>(...Object.values(Op));
  const u32 = fc.oneof(
    fc.nat(0xffffffff),
    fc.constantFrom(0, 0x1000, 0x2000, 0x10000, 0x11000, 0x12000, Field.GUEST_RIP, 0x80000021),
  );
  const step = fc.record({
    op,
    cpu: fc.nat(1),
    low: u32,
    high: fc.constantFrom(0, 0, 0, 1, 0xffffffff),
    field: u32,
    mode: fc.constantFrom(0, 0, 0, 1, 2),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const machine = new TestMachine({ cpus: 2, model: "corei7_haswell_4770" });
      for (const { cpu, op: operation, low, high, field: encoding, mode } of steps) {
        machine.run(cpu, { op: operation, low, high, field: encoding, mode: mode === 1 ? 1 : mode === 2 ? 2 : 0 });
        const active = machine.cpu(cpu).activeVmcss();
        expect(active.filter((vmcs) => vmcs.current).length).toBeLessThanOrEqual(1);
        if (!machine.cpu(cpu).inVmxOperation) expect(active).toEqual([]);
      }
    }),
  );
});
