import type { ExecuteStep } from "../../generated/vmcslab/v1/cpu.js";

/** A step of CpuService.Execute. What has an RPC of its own has the same request message there. */
export type CpuStep = NonNullable<ExecuteStep["step"]>;

/** The steps that the processor executes: all but ordinary stores. */
export type InstructionStep = Exclude<CpuStep, { $case: "writeMemory" }>;
