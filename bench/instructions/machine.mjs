/** The processor that the measurements run on, with a valid guest in its current VMCS. */
import {
  cpuModelNamed,
  DEFAULT_CPU_MODEL,
  Field,
  Instruction,
  Memory,
  Op,
  Processor,
} from "../../packages/vmx/dist/index.js";
export const VMXON_REGION = 0x1000;
export const VMCS_A = 0x2000;
export const VMCS_B = 0x3000;
const CODE_SELECTOR = 8n;
const DATA_SELECTOR = 16n;
const TASK_SELECTOR = 0x30n;
const FLAT_LIMIT = 0xffffffffn;
export function instruction(operands) {
  return Object.assign(new Instruction(), operands);
}
function defaultModel() {
  const model = cpuModelNamed(DEFAULT_CPU_MODEL);
  if (model === undefined) throw new Error(DEFAULT_CPU_MODEL);
  return model;
}
/** In VMX root operation, with two VMCSs that have been VMCLEARed. */
export function createBenchMachine() {
  const model = defaultModel();
  const memory = new Memory();
  for (const region of [VMXON_REGION, VMCS_A, VMCS_B]) memory.write32(region, model.revision);
  const processor = new Processor({ cpu: 0, model, memory });
  processor.execute(instruction({ op: Op.vmxon, low: VMXON_REGION }));
  processor.execute(instruction({ op: Op.vmclear, low: VMCS_A }));
  processor.execute(instruction({ op: Op.vmclear, low: VMCS_B }));
  return { processor, memory };
}
/** Writes a 64-bit host and a 64-bit guest that pass every check into the current VMCS. */
export function writeValidGuest({ processor }) {
  const { model } = processor;
  const values = [
    [Field.PIN_BASED_VM_EXEC_CONTROL, BigInt(model.pinBased.mustBeOne)],
    [Field.CPU_BASED_VM_EXEC_CONTROL, BigInt(model.primary.mustBeOne)],
    [Field.VM_EXIT_CONTROLS, BigInt(model.exit.mustBeOne | (1 << 9))],
    [Field.VM_ENTRY_CONTROLS, BigInt(model.entry.mustBeOne | (1 << 9))],
    [Field.VMCS_LINK_POINTER, 0xffffffffffffffffn],
    [Field.GUEST_RFLAGS, 2n],
    [Field.GUEST_DR7, 0x400n],
    [Field.HOST_CS_SELECTOR, CODE_SELECTOR],
    [Field.HOST_TR_SELECTOR, TASK_SELECTOR],
    [Field.GUEST_CS_SELECTOR, CODE_SELECTOR],
    [Field.GUEST_CS_AR_BYTES, 0xa09bn],
    [Field.GUEST_CS_LIMIT, FLAT_LIMIT],
    [Field.GUEST_TR_SELECTOR, TASK_SELECTOR],
    [Field.GUEST_TR_AR_BYTES, 0x8bn],
    [Field.GUEST_TR_LIMIT, 0x67n],
    [Field.GUEST_LDTR_AR_BYTES, 0x10000n],
  ];
  for (const side of ["HOST", "GUEST"]) {
    values.push(
      [Field[`${side}_CR0`], 0x80000031n],
      [Field[`${side}_CR4`], 0x2020n],
      [Field[`${side}_CR3`], 0x140000n],
    );
  }
  for (const segment of ["ES", "SS", "DS", "FS", "GS"]) {
    values.push([Field[`GUEST_${segment}_SELECTOR`], DATA_SELECTOR]);
    values.push([Field[`GUEST_${segment}_AR_BYTES`], 0xc093n], [Field[`GUEST_${segment}_LIMIT`], FLAT_LIMIT]);
  }
  for (const [field, value] of values) {
    processor.execute(
      instruction({ op: Op.vmwrite, field, low: Number(value & 0xffffffffn), high: Number(value >> 32n) }),
    );
  }
}
