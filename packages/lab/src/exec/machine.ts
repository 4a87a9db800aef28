/** The machine that a program runs on: processors that share one memory. */
import {
  type CpuModel,
  HAZARD_RULES,
  Hazard,
  type Instruction,
  invariant,
  Memory,
  Processor,
  storeHazard,
} from "@vmcslab/vmx";
import { type ExecAnswer, type ExecResult, resultOf, SUCCEED } from "./result.js";

/** Bytes of memory, as on the machine that the recorded traces come from. Beyond them reads give all ones. */
const MEMORY_BYTES = 64 * 1024 * 1024;

export const CPUS_MAX = 256;

export interface MachineSettings {
  readonly cpus: number;
  readonly model: CpuModel;
  /** IA32_FEATURE_CONTROL at power-on; default 5. */
  readonly featureControl?: number | undefined;
}

export class Machine {
  readonly model: CpuModel;
  readonly memory: Memory = new Memory({ bytes: MEMORY_BYTES });
  readonly processors: readonly Processor[];

  constructor({ cpus, model, featureControl }: MachineSettings) {
    this.model = model;
    const { memory } = this;
    this.processors = Array.from({ length: cpus }, (_, cpu) => new Processor({ cpu, model, memory, featureControl }));
  }

  /** `cpu` is one of the machine's. */
  execute(cpu: number, instruction: Instruction): ExecAnswer {
    const outcome = this.processor(cpu).execute(instruction);
    return withHazard(resultOf(outcome), outcome.hazard);
  }

  processor(cpu: number): Processor {
    const processor = this.processors[cpu];
    invariant(processor !== undefined, "the machine has this processor", { cpu });
    return processor;
  }

  /** An ordinary store: a dword, or 4 KiB of zeros. */
  store(address: bigint, value: number | undefined): ExecAnswer {
    const { memory } = this;
    if (address >= BigInt(memory.bytes)) return { result: SUCCEED };
    const hazard = storeHazard(memory, Number(address));
    if (value === undefined) memory.zeroPage(Number(address));
    else memory.write32(Number(address), value);
    return withHazard(SUCCEED, hazard);
  }
}

function withHazard(result: ExecResult, hazard: number): ExecAnswer {
  const rule = hazard === Hazard.none ? undefined : HAZARD_RULES[hazard];
  return rule === undefined ? { result } : { result, hazard: rule };
}
