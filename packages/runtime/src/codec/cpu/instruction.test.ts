import { Instruction, Op, type OpCode } from "@vmcslab/vmx";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ControlRegister, ExecuteStep, ProcessorMode } from "../../generated/vmcslab/v1/cpu.js";
import { InvalidMessage } from "../invalid-message.js";
import { instructionFromStep } from "./instruction-from-wire.js";
import { instructionToStep } from "./instruction-to-wire.js";
import type { InstructionStep } from "./step.js";

const u32 = fc.nat(0xffffffff);
const OPS = Object.values(Op).filter((op) => op !== Op.nop);

/** What each operation has besides mode, length, information and qualification. */
const OPERANDS: Readonly<Record<number, readonly (keyof Instruction)[]>> = {
  [Op.vmxon]: ["low", "high"],
  [Op.vmclear]: ["low", "high"],
  [Op.vmptrld]: ["low", "high"],
  [Op.vmread]: ["field", "fieldHigh"],
  [Op.vmwrite]: ["field", "fieldHigh", "low", "high"],
  [Op.vmlaunch]: ["movSs"],
  [Op.vmresume]: ["movSs"],
  [Op.vmfunc]: ["low", "field"],
  [Op.invept]: ["field", "fieldHigh", "descriptor0Low", "descriptor0High", "descriptor1Low", "descriptor1High"],
  [Op.invvpid]: ["field", "fieldHigh", "descriptor0Low", "descriptor0High", "descriptor1Low", "descriptor1High"],
  [Op.rdmsr]: ["field"],
  [Op.wrmsr]: ["field", "low", "high"],
  [Op.cr0Set]: ["low", "high"],
  [Op.cr0Clear]: ["low", "high"],
  [Op.cr4Set]: ["low", "high"],
  [Op.cr4Clear]: ["low", "high"],
};
const ARRIVING: ReadonlySet<OpCode> = new Set([Op.interrupt, Op.sipi, Op.init, Op.reset]);

/** An instruction of which everything is set that its operation has. */
const instruction = fc
  .record({
    op: fc.constantFrom(...OPS),
    movSs: fc.boolean(),
    mode: fc.constantFrom(0 as const, 1 as const, 2 as const),
    ...Object.fromEntries(
      [...new Set(Object.values(OPERANDS).flat())].filter((key) => key !== "movSs").map((key) => [key, u32]),
    ),
    qualificationLow: u32,
    qualificationHigh: u32,
    length: fc.nat(15),
    information: u32,
    reason: fc.nat(0xffff),
    vector: fc.nat(0xff),
  })
  .map((values) => {
    const { op, vector, mode, reason, length, information, qualificationLow, qualificationHigh } = values;
    const known: Record<string, unknown> = values;
    if (op === Op.interrupt || op === Op.sipi) return Object.assign(new Instruction(), { op, low: vector });
    if (ARRIVING.has(op)) return Object.assign(new Instruction(), { op });
    const details = { op, length, information, qualificationLow, qualificationHigh };
    if (op === Op.vmexit) return Object.assign(new Instruction(), { ...details, reason });
    const operands = (OPERANDS[op] ?? []).map((key) => [key, known[key]]);
    return Object.assign(new Instruction(), { ...details, mode, ...Object.fromEntries(operands) });
  });

function sent(step: InstructionStep): InstructionStep {
  const { step: received } = ExecuteStep.decode(ExecuteStep.encode({ step }).finish());
  if (received === undefined || received.$case === "writeMemory") throw new Error("another step");
  return received;
}

test("an instruction comes out of its request as it went in", () => {
  fc.assert(
    fc.property(instruction, (before) => {
      expect(instructionFromStep(sent(instructionToStep(before)))).toEqual(before);
    }),
    { numRuns: 1000 },
  );
});

test("what no processor has is an invalid message", () => {
  const mode = ProcessorMode.UNSPECIFIED;
  const wrong: readonly InstructionStep[] = [
    { $case: "vmExit", value: { reason: 0x10000, qualification: 0n } },
    { $case: "interrupt", value: { vector: 256 } },
    { $case: "sipi", value: { vector: 256 } },
    { $case: "moveToControlRegister", value: { register: ControlRegister.UNSPECIFIED, mask: 0n, set: true, mode } },
  ];
  for (const step of wrong) expect(() => instructionFromStep(step)).toThrow(InvalidMessage);
  expect(() => instructionToStep(new Instruction())).toThrow(InvalidMessage);
});
