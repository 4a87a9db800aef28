/** Each rule of VM entry broken once, from a VMCS that passes all of them: SDM 26.2 to 26.4. */
import { describe, expect, test } from "vitest";
import { Memory } from "../memory.js";
import { type Change, CONTROLS, fieldsWith, GUEST, HOST, model } from "../testing/entry-cases.js";
import { checkEntryControls, checkGuestState, checkHostState, checkMsrLoading } from "./check.js";

describe("a VMCS that passes everything", () => {
  test("has no failure in any area", () => {
    const fields = fieldsWith([]);
    expect(checkEntryControls(fields, model, new Memory())).toBeUndefined();
    expect(checkHostState(fields, model)).toBeUndefined();
    expect(checkGuestState(fields, model, { memory: new Memory(), currentVmcs: 0x1000 })).toBeUndefined();
  });
});

test.each(CONTROLS)("%s: %s (%#)", (section, field, changes) => {
  expect(checkEntryControls(fieldsWith(changes), model)).toMatchObject({ section, field });
});

test.each(HOST)("%s: %s (%#)", (section, field, changes) => {
  expect(checkHostState(fieldsWith(changes), model)).toMatchObject({ section, field });
});

const GUEST_CASES = GUEST.map(([section, field, changes, qualification = 0]) => ({
  section,
  field,
  changes,
  qualification,
}));

test.each(GUEST_CASES)("$section: $field ($#)", ({ section, field, changes, qualification }) => {
  const failure = checkGuestState(fieldsWith(changes), model, { memory: new Memory() });
  expect(failure).toMatchObject({ section, field, qualification });
});

describe("SDM 26.3.1.6: PDPTEs of a PAE guest", () => {
  const pae: readonly Change[] = [
    ["VM_ENTRY_CONTROLS", BigInt(model.entry.mustBeOne)],
    ["GUEST_CS_AR_BYTES", 0xc09bn],
    ["GUEST_CR3", 0x6000n],
  ];

  test("from memory at CR3, reserved bits of a present one: qualification 2", () => {
    const memory = new Memory();
    memory.write64(0x6008, 0x7000n | 1n);
    expect(checkGuestState(fieldsWith(pae), model, { memory })).toBeUndefined();
    memory.write64(0x6010, 0x7000n | 3n);
    expect(checkGuestState(fieldsWith(pae), model, { memory })).toMatchObject({
      section: "SDM 26.3.1.6",
      qualification: 2,
    });
  });
});

describe("SDM 26.4: MSR loading", () => {
  const list: readonly Change[] = [
    ["VM_ENTRY_MSR_LOAD_COUNT", 2n],
    ["VM_ENTRY_MSR_LOAD_ADDR", 0x7000n],
  ];

  test.each([
    ["IA32_LSTAR, canonical", 0xc0000082, 0n, 0x1000n, 0],
    ["IA32_LSTAR, not canonical", 0xc0000082, 0n, 1n << 63n, 2],
    ["IA32_FS_BASE is forbidden", 0xc0000100, 0n, 0n, 2],
    ["bits 63:32 must be 0", 0xc0000082, 1n, 0n, 2],
    ["an MSR that does not exist", 0x4000, 0n, 0n, 2],
  ] as const)("%s", (_name, msr, reserved, value, expected) => {
    const memory = new Memory();
    memory.write64(0x7000, 0x174n);
    memory.write64(0x7010, BigInt(msr) | (reserved << 32n));
    memory.write64(0x7018, value);
    expect(checkMsrLoading(fieldsWith(list), model, memory)).toBe(expected);
  });
});
