import { Field, FieldStore, Memory } from "@vmcslab/vmx";
import { describe, expect, test } from "vitest";
import { l1WantsExit, l1WantsInterrupt } from "./exit-policy.js";

function vmcs12(fields: Readonly<Record<number, bigint>>): FieldStore {
  const store = new FieldStore();
  for (const [encoding, value] of Object.entries(fields)) store.write(Number(encoding), value);
  return store;
}

const wants = (
  reason: number,
  fields: Readonly<Record<number, bigint>> = {},
  qualification = 0n,
  memory = new Memory(),
): boolean => l1WantsExit(reason, qualification, vmcs12(fields), memory);

const PRIMARY = Field.CPU_BASED_VM_EXEC_CONTROL;

describe("which exits of L2 L1 sees (nested_vmx_l0_wants_exit, nested_vmx_l1_wants_exit)", () => {
  test.each([
    ["EPT violation", 48],
    ["EPT misconfiguration", 49],
    ["machine check during entry", 41],
    ["preemption timer", 52],
    ["PML full", 62],
  ])("%s stays with L0 whatever L1 asked for", (_name, reason) => {
    expect(wants(reason, { [PRIMARY]: 0xffff_ffffn })).toBe(false);
  });

  test.each([
    ["CPUID", 10],
    ["VMCALL", 18],
    ["VMREAD", 23],
    ["INVEPT", 50],
    ["triple fault", 2],
    ["XSETBV", 55],
  ])("%s goes to L1 unconditionally", (_name, reason) => {
    expect(wants(reason)).toBe(true);
  });

  test.each([
    ["HLT", 12, 7],
    ["INVLPG", 14, 9],
    ["RDPMC", 15, 11],
    ["RDTSC", 16, 12],
    ["RDTSCP", 51, 12],
    ["MWAIT", 36, 10],
    ["MONITOR", 39, 29],
    ["MOV DR", 29, 23],
    ["interrupt window", 7, 2],
    ["NMI window", 8, 22],
  ])("%s goes to L1 exactly when its primary control asks for it", (_name, reason, bit) => {
    expect(wants(reason, { [PRIMARY]: 1n << BigInt(bit) })).toBe(true);
    expect(wants(reason, { [PRIMARY]: 0xffff_ffffn & ~(1n << BigInt(bit)) })).toBe(false);
  });

  test("an external interrupt is L0's, and one that L0 has for L1 makes an exit when L1 has external-interrupt exiting", () => {
    expect(wants(1, { [Field.PIN_BASED_VM_EXEC_CONTROL]: 1n })).toBe(false);
    expect(l1WantsInterrupt(vmcs12({ [Field.PIN_BASED_VM_EXEC_CONTROL]: 1n }))).toBe(true);
    expect(l1WantsInterrupt(vmcs12({ [Field.PIN_BASED_VM_EXEC_CONTROL]: 0x3en }))).toBe(false);
  });

  test("RDRAND and RDSEED go by their secondary controls, VMFUNC stays with L0", () => {
    const both = {
      [Field.CPU_BASED_VM_EXEC_CONTROL]: 1n << 31n,
      [Field.SECONDARY_VM_EXEC_CONTROL]: (1n << 11n) | (1n << 16n),
    };
    expect([57, 59, 61].map((reason) => wants(reason, both))).toEqual([true, false, true]);
    expect([57, 59, 61].map((reason) => wants(reason))).toEqual([false, false, false]);
  });

  test("a secondary control counts only when secondary controls are active", () => {
    const wbinvd = { [Field.SECONDARY_VM_EXEC_CONTROL]: 1n << 6n };
    expect(wants(54, wbinvd)).toBe(false);
    expect(wants(54, { ...wbinvd, [PRIMARY]: 1n << 31n })).toBe(true);
  });

  test("CR3: loads and stores have controls of their own; CR0 and CR4 go by the masks", () => {
    expect(wants(28, { [PRIMARY]: 1n << 15n }, 0x03n)).toBe(true);
    expect(wants(28, { [PRIMARY]: 1n << 15n }, 0x13n)).toBe(false);
    expect(wants(28, { [PRIMARY]: 1n << 16n }, 0x13n)).toBe(true);
    expect(wants(28, { [Field.CR4_GUEST_HOST_MASK]: 0x2000n }, 0x04n)).toBe(true);
    expect(wants(28, { [Field.CR4_GUEST_HOST_MASK]: 0x2000n }, 0x00n)).toBe(false);
  });

  test("I/O goes by the bitmaps when they are in use, for every byte of the access", () => {
    const memory = new Memory();
    memory.write32(0x5000 + 0x60 / 8, 1 << 2); // port 0x62
    const bitmaps = { [PRIMARY]: 1n << 25n, [Field.IO_BITMAP_A]: 0x5000n, [Field.IO_BITMAP_B]: 0x6000n };
    expect(wants(30, bitmaps, 0x62_0000n, memory)).toBe(true);
    expect(wants(30, bitmaps, 0x61_0000n, memory)).toBe(false);
    expect(wants(30, bitmaps, 0x61_0001n, memory)).toBe(true);
    expect(wants(30, { [PRIMARY]: 1n << 24n }, 0x61_0000n)).toBe(true);
    expect(wants(30, {}, 0x61_0000n)).toBe(false);
    // Past the end of the port space.
    expect(wants(30, bitmaps, 0xffff_0003n, memory)).toBe(true);
  });
});
