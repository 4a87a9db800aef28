import type { MethodDefinition } from "@grpc/grpc-js";
import type { Answer } from "@vmcslab/nested";
import type { Instruction } from "@vmcslab/vmx";
import { instructionToStep } from "../codec/cpu/instruction-to-wire.js";
import { type CpuOutcome, cpuOutcomeFromWire } from "../codec/cpu/outcome.js";
import type { CpuStep, InstructionStep } from "../codec/cpu/step.js";
import { CpuServiceService as Cpu, type Outcome } from "../generated/vmcslab/v1/cpu.js";
import { UnaryCaller } from "../rpc/call.js";
import { Credentials } from "../security/credentials.js";
import { type ProcessorInfo, processorInfoFromWire } from "./processor-info.js";

/** The response of every instruction, as far as they are alike. */
interface Produced {
  readonly outcome?: Outcome | undefined;
  readonly value?: bigint | undefined;
}

type Requests = { readonly [Step in InstructionStep as Step["$case"]]: Step["value"] };
type Callable<Request> = Pick<MethodDefinition<Request, Produced>, "path" | "requestSerialize" | "responseDeserialize">;

const METHODS: { readonly [Case in keyof Requests]: Callable<Requests[Case]> } = {
  vmxon: Cpu.vmxon,
  vmxoff: Cpu.vmxoff,
  vmclear: Cpu.vmclear,
  vmptrld: Cpu.vmptrld,
  vmptrst: Cpu.vmptrst,
  vmread: Cpu.vmread,
  vmwrite: Cpu.vmwrite,
  vmlaunch: Cpu.vmlaunch,
  vmresume: Cpu.vmresume,
  vmExit: Cpu.vmExit,
  vmcall: Cpu.vmcall,
  vmfunc: Cpu.vmfunc,
  invept: Cpu.invept,
  invvpid: Cpu.invvpid,
  moveToControlRegister: Cpu.moveToControlRegister,
  rdmsr: Cpu.rdmsr,
  wrmsr: Cpu.wrmsr,
  interrupt: Cpu.interrupt,
  init: Cpu.init,
  sipi: Cpu.sipi,
  reset: Cpu.reset,
};

/** One CPU as people and tests see it over gRPC. An answer that is not ok is a value; nothing rejects for a status. */
export class CpuClient {
  readonly #caller: UnaryCaller;

  /** `address`: host:port. */
  constructor(address: string, credentials: Credentials = Credentials.none) {
    this.#caller = new UnaryCaller(address, credentials.dial("cpu"));
  }

  /** Executes one instruction by the RPC that it has. */
  execute(instruction: Instruction): Promise<Answer<CpuOutcome>> {
    return this.request(instructionToStep(instruction));
  }

  request<Case extends keyof Requests>(step: {
    readonly $case: Case;
    readonly value: Requests[Case];
  }): Promise<Answer<CpuOutcome>> {
    return this.#caller.call(METHODS[step.$case], step.value, cpuOutcomeFromWire);
  }

  /** Executes a program in one round trip. */
  run(steps: readonly CpuStep[]): Promise<Answer<CpuOutcome[]>> {
    const request = { steps: steps.map((step) => ({ step })) };
    return this.#caller.call(Cpu.execute, request, ({ results }) => results.map(cpuOutcomeFromWire));
  }

  /** The processor's registers, and what is active on it. */
  state(): Promise<Answer<ProcessorInfo>> {
    return this.#caller.call(Cpu.getState, {}, processorInfoFromWire);
  }

  /** `count` dwords of the memory as this CPU sees it. */
  readMemory(address: number, count: number): Promise<Answer<readonly number[]>> {
    return this.#caller.call(Cpu.readMemory, { address: BigInt(address), count }, ({ dwords }) => dwords);
  }

  close(): void {
    this.#caller.close();
  }
}
