/** For tests: processors that share a memory, and a VMCS whose guest and host pass every check. */
import type { CpuModel } from "../cpu-model.js";
import { cpuModelNamed, DEFAULT_CPU_MODEL } from "../cpu-models.js";
import { Field } from "../field-encodings.js";
import { Instruction, Op } from "../instruction.js";
import { Memory } from "../memory.js";
import type { Outcome } from "../outcome.js";
import { Status } from "../outcome.js";
import { Processor, type ProcessorOptions } from "../processor.js";

export const VMXON_REGION = 0x1000;
export const VMCS_A = 0x10000;
export const VMCS_B = 0x11000;
const REGIONS = 8;

export function modelNamed(name: string = DEFAULT_CPU_MODEL): CpuModel {
  const model = cpuModelNamed(name);
  if (model === undefined) throw new Error(`no CPU model ${name}`);
  return model;
}

export class TestMachine {
  readonly model: CpuModel;
  readonly memory: Memory = new Memory({ bytes: 64 * 1024 * 1024 });
  readonly processors: readonly Processor[];

  /** VMXON regions from 0x1000 and VMCS regions from 0x10000, eight of each, have the revision identifier. */
  constructor({
    cpus = 1,
    model = DEFAULT_CPU_MODEL,
    ...options
  }: { cpus?: number; model?: string } & Partial<Pick<ProcessorOptions, "featureControl" | "atVmxoff">> = {}) {
    this.model = modelNamed(model);
    for (let region = 0; region < REGIONS; region++) {
      this.memory.write32(VMXON_REGION + region * 0x1000, this.model.revision);
      this.memory.write32(VMCS_A + region * 0x1000, this.model.revision);
    }
    const { memory } = this;
    this.processors = Array.from(
      { length: cpus },
      (_, cpu) => new Processor({ cpu, model: this.model, memory, ...options }),
    );
  }

  cpu(number: number): Processor {
    const processor = this.processors[number];
    if (processor === undefined) throw new Error(`no cpu ${number}`);
    return processor;
  }

  run(cpu: number, operands: Partial<Instruction>): Outcome {
    return this.cpu(cpu).execute(Object.assign(new Instruction(), operands));
  }

  vmxon(cpu = 0): Outcome {
    return this.run(cpu, { op: Op.vmxon, low: VMXON_REGION + cpu * 0x1000 });
  }

  vmclear(region: number, cpu = 0): Outcome {
    return this.run(cpu, { op: Op.vmclear, low: region });
  }

  vmptrld(region: number, cpu = 0): Outcome {
    return this.run(cpu, { op: Op.vmptrld, low: region });
  }

  vmwrite(field: number, value: bigint, cpu = 0): Outcome {
    return this.run(cpu, {
      op: Op.vmwrite,
      field,
      low: Number(value & 0xffffffffn),
      high: Number((value >> 32n) & 0xffffffffn),
    });
  }

  /** Value of a VMREAD that succeeds; undefined otherwise. */
  vmread(field: number, cpu = 0): bigint | undefined {
    const outcome = this.run(cpu, { op: Op.vmread, field });
    return outcome.status === Status.succeed ? (BigInt(outcome.high) << 32n) | BigInt(outcome.low) : undefined;
  }

  /** In VMX operation, A VMCLEARed and current. */
  withCurrent(region: number = VMCS_A, cpu = 0): this {
    this.vmxon(cpu);
    this.vmclear(region, cpu);
    this.vmptrld(region, cpu);
    return this;
  }

  writeValidGuest(cpu = 0): this {
    for (const [field, value] of validGuest(this.model)) this.vmwrite(field, value, cpu);
    return this;
  }
}

/** A 64-bit host and a 64-bit guest. */
export function validGuest(model: CpuModel): [field: number, value: bigint][] {
  const addressSpaceSize = 1 << 9;
  const values: [number, bigint][] = [
    [Field.PIN_BASED_VM_EXEC_CONTROL, BigInt(model.pinBased.mustBeOne)],
    [Field.CPU_BASED_VM_EXEC_CONTROL, BigInt(model.primary.mustBeOne)],
    [Field.VM_EXIT_CONTROLS, BigInt((model.exit.mustBeOne | addressSpaceSize) >>> 0)],
    [Field.VM_ENTRY_CONTROLS, BigInt((model.entry.mustBeOne | addressSpaceSize) >>> 0)],
    [Field.VMCS_LINK_POINTER, 0xffffffffffffffffn],
    [Field.GUEST_RFLAGS, 2n],
    [Field.GUEST_DR7, 0x400n],
    [Field.HOST_CS_SELECTOR, 8n],
    [Field.HOST_TR_SELECTOR, 0x30n],
    [Field.GUEST_CS_SELECTOR, 8n],
    [Field.GUEST_CS_AR_BYTES, 0xa09bn],
    [Field.GUEST_CS_LIMIT, 0xffffffffn],
    [Field.GUEST_TR_SELECTOR, 0x30n],
    [Field.GUEST_TR_AR_BYTES, 0x8bn],
    [Field.GUEST_TR_LIMIT, 0x67n],
    [Field.GUEST_LDTR_AR_BYTES, 0x10000n],
  ];
  for (const side of ["HOST", "GUEST"] as const) {
    values.push(
      [Field[`${side}_CR0`], 0x80000031n],
      [Field[`${side}_CR4`], 0x2020n],
      [Field[`${side}_CR3`], 0x140000n],
    );
  }
  for (const segment of ["ES", "SS", "DS", "FS", "GS"] as const) {
    values.push([Field[`GUEST_${segment}_SELECTOR`], 0x10n]);
    values.push([Field[`GUEST_${segment}_AR_BYTES`], 0xc093n], [Field[`GUEST_${segment}_LIMIT`], 0xffffffffn]);
  }
  return values;
}
