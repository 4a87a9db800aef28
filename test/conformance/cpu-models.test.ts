/**
 * The CPU models against what the recorded machines answered: capability MSRs, and each field's support, width and
 * write error.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  CPU_MODELS,
  cpuModelNamed,
  Field,
  Instruction,
  Memory,
  Op,
  Processor,
  Status,
} from "../../packages/vmx/src/index.js";

interface RecordedField {
  readonly read: boolean;
  readonly writeError: number;
  readonly allOnesReadBack: string;
}

interface RecordedMachine {
  readonly model: string;
  readonly msrs: Readonly<Record<string, string>>;
  readonly physWidth: number;
  readonly revision: string;
  readonly fields: Readonly<Record<string, RecordedField>>;
}

const directory = new URL("data/machines/", import.meta.url);
const machines: RecordedMachine[] = readdirSync(directory).map((name) =>
  JSON.parse(readFileSync(new URL(name, directory), "utf8")),
);

const ENCODINGS_MAX = 0x7000;

function processorOn(recorded: RecordedMachine): {
  execute: (op: Partial<Instruction>) => ReturnType<Processor["execute"]>;
} {
  const model = cpuModelNamed(recorded.model);
  if (model === undefined) throw new Error(recorded.model);
  const memory = new Memory();
  memory.write32(0x1000, model.revision);
  memory.write32(0x2000, model.revision);
  const processor = new Processor({ cpu: 0, model, memory });
  const execute = (operands: Partial<Instruction>): ReturnType<Processor["execute"]> =>
    processor.execute(Object.assign(new Instruction(), operands));
  execute({ op: Op.vmxon, low: 0x1000 });
  execute({ op: Op.vmclear, low: 0x2000 });
  execute({ op: Op.vmptrld, low: 0x2000 });
  return { execute };
}

describe.each(machines)("$model", (recorded) => {
  test("capability MSRs, physical-address width, revision identifier", () => {
    const model = CPU_MODELS[recorded.model];
    const msrs = Object.fromEntries(
      [...(model?.msrs ?? [])].map(([number, value]) => [`0x${number.toString(16)}`, `0x${value.toString(16)}`]),
    );
    expect({ "0x3a": "0x5", ...msrs }).toEqual(recorded.msrs);
    expect(model?.physicalAddressWidth).toBe(recorded.physWidth);
    expect(model?.revision).toBe(Number(recorded.revision));
  });

  test("every encoding up to 0x7000: VMWRITE of all ones, then VMREAD", () => {
    const { execute } = processorOn(recorded);
    const differences: string[] = [];
    for (let field = 0; field < ENCODINGS_MAX; field++) {
      const expected = recorded.fields[`0x${field.toString(16).padStart(4, "0")}`];
      const written = execute({ op: Op.vmwrite, field, low: 0xffffffff, high: 0xffffffff });
      const writeError = written.status === Status.failValid ? written.error : 0;
      if (writeError !== (expected?.writeError ?? 12))
        differences.push(`0x${field.toString(16)}: VMWRITE ${writeError}`);
      const read = execute({ op: Op.vmread, field });
      const value = (BigInt(read.high) << 32n) | BigInt(read.low);
      if ((read.status === Status.succeed) !== (expected?.read ?? false))
        differences.push(`0x${field.toString(16)}: VMREAD`);
      else if (
        expected !== undefined &&
        field !== Field.VM_INSTRUCTION_ERROR &&
        value !== BigInt(expected.allOnesReadBack)
      ) {
        differences.push(`0x${field.toString(16)}: read back 0x${value.toString(16)}`);
      }
    }
    expect(differences).toEqual([]);
  });
});
