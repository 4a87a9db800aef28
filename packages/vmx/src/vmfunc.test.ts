/** VMFUNC: SDM 25.5.5. */
import { expect, test } from "vitest";
import { Field } from "./field-encodings.js";
import { Op } from "./instruction.js";
import { Status } from "./outcome.js";
import { TestMachine } from "./testing/test-machine.js";

const EPTP_LIST = 0x30000;
const VM_FUNCTIONS_AND_EPT = (1n << 13n) | 2n;
const EPT_POINTER = 0x4001en;

test("VMFUNC: #UD without the control, EPTP switching with it, VM exit 59 for what is not enabled", () => {
  const machine = new TestMachine({ model: "corei7_haswell_4770" }).withCurrent().writeValidGuest();
  expect(machine.run(0, { op: Op.vmfunc }).vector).toBe(6);
  machine.run(0, { op: Op.vmlaunch });
  expect(machine.run(0, { op: Op.vmfunc }).vector).toBe(6);
  machine.run(0, { op: Op.vmexit, reason: 12 });

  machine.vmwrite(Field.CPU_BASED_VM_EXEC_CONTROL, BigInt(machine.model.primary.mustBeOne) | 0x80000000n);
  machine.vmwrite(Field.SECONDARY_VM_EXEC_CONTROL, VM_FUNCTIONS_AND_EPT);
  machine.vmwrite(Field.EPT_POINTER, 0x3001en);
  machine.vmwrite(Field.VM_FUNCTION_CONTROL, 1n);
  machine.vmwrite(Field.EPTP_LIST_ADDRESS, BigInt(EPTP_LIST));
  machine.memory.write64(EPTP_LIST + 8 * 3, EPT_POINTER);
  expect(machine.run(0, { op: Op.vmresume }).status).toBe(Status.vmentry);
  expect(machine.run(0, { op: Op.vmfunc, field: 3 }).status).toBe(Status.succeed);
  for (const operands of [{ low: 1 }, { field: 512 }, { field: 4 }]) {
    const outcome = machine.run(0, { op: Op.vmfunc, ...operands });
    expect([outcome.status, outcome.reason]).toEqual([Status.vmexit, 59]);
    expect(machine.vmread(Field.EPT_POINTER)).toBe(EPT_POINTER);
    machine.run(0, { op: Op.vmresume });
  }
});
