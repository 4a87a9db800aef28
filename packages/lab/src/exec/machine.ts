/** The machine that a program runs on: processors that share one memory. */
import { type CpuModel, Memory, Processor } from "@vmcslab/vmx";

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
}
