import { toNumber } from "../codec/numbers.js";
import type { GetStateResponse } from "../generated/vmcslab/v1/cpu.js";

/** A processor as it describes itself. */
export interface ProcessorInfo {
  readonly cpu: number;
  /** One life of the processor. */
  readonly incarnation: number;
  readonly model: string;
  readonly vmxOperation: boolean;
  /** A guest runs. */
  readonly nonRoot: boolean;
  readonly current: bigint | undefined;
  readonly active: readonly { readonly address: bigint; readonly launched: boolean }[];
  /** `current:0x2000 active:[0x2000 launched, 0x3000 clear]` */
  readonly text: string;
}

export function processorInfoFromWire(state: GetStateResponse): ProcessorInfo {
  const { cpu, incarnation, model, vmxOperation, nonRoot, current, active, text } = state;
  return {
    cpu,
    incarnation: toNumber(incarnation, "incarnation"),
    model,
    vmxOperation,
    nonRoot,
    current,
    active,
    text,
  };
}
