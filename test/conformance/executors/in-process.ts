/** CPUs of this process behind the protobuf codec: every request and every response is encoded and decoded. */
import { type CpuStep, cpuOutcomeFromWire, cpuWire, instructionToStep } from "../../../packages/runtime/src/index.js";
import type { CpuModel } from "../../../packages/vmx/src/index.js";
import { Board } from "../../../services/cpu/src/board.js";
import { PeoplesInstructions } from "../../../services/cpu/src/instructions.js";
import { CpuRequests } from "../../../services/cpu/src/requests.js";
import { MEMORY_BYTES, type RemoteCpu } from "./remote-machine.js";

const { ExecuteRequest, ExecuteResponse, ReadMemoryRequest, ReadMemoryResponse } = cpuWire;

const LIFE = { incarnation: 1, holdsLease: () => true };

export function inProcessCpu(cpu: number, model: CpuModel, featureControl: number | undefined): RemoteCpu {
  const emit = (): void => undefined;
  const firmware = featureControl === undefined ? {} : { featureControl };
  const board = new Board({ cpu, model, life: LIFE, emit, memoryBytes: MEMORY_BYTES, ...firmware });
  const requests = new CpuRequests(board, new PeoplesInstructions(board, emit));
  const run: RemoteCpu["run"] = async (steps: readonly CpuStep[]) => {
    const request = ExecuteRequest.encode({ steps: steps.map((step) => ({ step })) }).finish();
    const response = ExecuteResponse.encode(requests.run(ExecuteRequest.decode(request))).finish();
    return ExecuteResponse.decode(response).results.map(cpuOutcomeFromWire);
  };
  return {
    run,
    async execute(instruction) {
      const [outcome] = await run([instructionToStep(instruction)]);
      if (outcome === undefined) throw new Error("no result");
      return outcome;
    },
    async readMemory(address, count) {
      const request = ReadMemoryRequest.encode({ address: BigInt(address), count }).finish();
      const response = ReadMemoryResponse.encode(requests.readMemory(ReadMemoryRequest.decode(request))).finish();
      return ReadMemoryResponse.decode(response).dwords;
    },
  };
}
