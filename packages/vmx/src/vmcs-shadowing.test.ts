/** VMCS shadowing: SDM 24.10, 24.6.15 and 25.1.3. */
import { expect, test } from "vitest";
import { Field } from "./field-encodings.js";
import { Op } from "./instruction.js";
import { Status } from "./outcome.js";
import { TestMachine, VMCS_A, VMCS_B } from "./testing/test-machine.js";

const VMREAD_BITMAP = 0x20000;
const VMWRITE_BITMAP = 0x21000;
const ACTIVATE_SECONDARY = 0x80000000n;
const VMCS_SHADOWING = 1n << 14n;
const ALL_ONES = 0xffffffffffffffffn;

/** L1 runs on A, with the shadow VMCS B behind its VMREADs and VMWRITEs; GUEST_RSP is intercepted for writing. */
function machineWithShadow(link: bigint = BigInt(VMCS_B)): TestMachine {
  const machine = new TestMachine({ model: "corei7_haswell_4770" });
  machine.memory.write32(VMCS_B, (machine.model.revision | 0x80000000) >>> 0);
  machine.vmxon();
  machine.vmclear(VMCS_B);
  machine.vmptrld(VMCS_B);
  machine.vmwrite(Field.GUEST_RIP, 0x1111n);
  machine.vmclear(VMCS_B);
  machine.vmclear(VMCS_A);
  machine.vmptrld(VMCS_A);
  machine.writeValidGuest();
  machine.vmwrite(Field.CPU_BASED_VM_EXEC_CONTROL, BigInt(machine.model.primary.mustBeOne) | ACTIVATE_SECONDARY);
  machine.vmwrite(Field.SECONDARY_VM_EXEC_CONTROL, VMCS_SHADOWING);
  machine.vmwrite(Field.VMREAD_BITMAP, BigInt(VMREAD_BITMAP));
  machine.vmwrite(Field.VMWRITE_BITMAP, BigInt(VMWRITE_BITMAP));
  machine.vmwrite(Field.VMCS_LINK_POINTER, link);
  machine.memory.write32(VMWRITE_BITMAP + (Field.GUEST_RSP >> 5) * 4, (1 << (Field.GUEST_RSP & 31)) >>> 0);
  expect(machine.run(0, { op: Op.vmlaunch }).status).toBe(Status.vmentry);
  return machine;
}

test("VMREAD and VMWRITE in the guest act on the shadow VMCS", () => {
  const machine = machineWithShadow();
  expect(machine.vmread(Field.GUEST_RIP)).toBe(0x1111n);
  expect(machine.vmwrite(Field.GUEST_RIP, 0x2222n).status).toBe(Status.succeed);
  expect(machine.vmread(Field.GUEST_RIP)).toBe(0x2222n);
  expect(machine.cpu(0).nonRoot).toBe(true);
  machine.run(0, { op: Op.vmexit, reason: 12 });
  expect(machine.vmread(Field.GUEST_RIP)).toBe(0n);
  machine.vmptrld(VMCS_B);
  expect(machine.vmread(Field.GUEST_RIP)).toBe(0x2222n);
});

test("the entry makes the shadow VMCS active", () => {
  expect(machineWithShadow().cpu(0).isActive(VMCS_B)).toBe(true);
});

test("a bit in the bitmap, and an encoding above 0x7fff, exit", () => {
  const machine = machineWithShadow();
  const written = machine.vmwrite(Field.GUEST_RSP, 1n);
  expect([written.status, written.reason]).toEqual([Status.vmexit, 25]);
  machine.run(0, { op: Op.vmresume });
  const read = machine.run(0, { op: Op.vmread, field: 0x8000 });
  expect([read.status, read.reason]).toEqual([Status.vmexit, 23]);
});

test("an unsupported field is error 12, stored in the controlling VMCS", () => {
  const machine = machineWithShadow();
  const outcome = machine.run(0, { op: Op.vmread, field: 0x4001 });
  expect([outcome.status, outcome.error]).toEqual([Status.failValid, 12]);
  machine.run(0, { op: Op.vmexit, reason: 12 });
  expect(machine.vmread(Field.VM_INSTRUCTION_ERROR)).toBe(12n);
});

test("a link pointer of all ones: VMfailInvalid", () => {
  expect(machineWithShadow(ALL_ONES).run(0, { op: Op.vmread, field: Field.GUEST_RIP }).status).toBe(Status.failInvalid);
});

test("SDM 26.3.1.5: the link pointer must name a shadow VMCS of this revision", () => {
  const machine = machineWithShadow();
  machine.run(0, { op: Op.vmexit, reason: 12 });
  machine.vmwrite(Field.VMCS_LINK_POINTER, BigInt(VMCS_B + 0x1000));
  const outcome = machine.run(0, { op: Op.vmresume });
  expect([outcome.reason, outcome.qualificationLow, outcome.entryFailure]).toEqual([33, 4, true]);
});
