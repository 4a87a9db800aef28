import { cpuWire, OperationRefused, type ServedService, served, type UnaryHandlers } from "@vmcslab/runtime";
import type { Board } from "./board.js";
import type { CpuRequests } from "./requests.js";
import { stateOf } from "./state.js";

/** CpuService: one RPC per instruction, programs of them, the processor's state and its memory. */
export function cpuService(board: Board, requests: CpuRequests, handlers: UnaryHandlers): ServedService {
  const implementation: cpuWire.CpuServiceServer = {
    vmxon: handlers.handle((value) => requests.execute({ $case: "vmxon", value })),
    vmxoff: handlers.handle((value) => requests.execute({ $case: "vmxoff", value })),
    vmclear: handlers.handle((value) => requests.execute({ $case: "vmclear", value })),
    vmptrld: handlers.handle((value) => requests.execute({ $case: "vmptrld", value })),
    vmptrst: handlers.handle((value) => requests.execute({ $case: "vmptrst", value })),
    vmread: handlers.handle((value) => requests.execute({ $case: "vmread", value })),
    vmwrite: handlers.handle((value) => requests.execute({ $case: "vmwrite", value })),
    vmlaunch: handlers.handle((value) => requests.execute({ $case: "vmlaunch", value })),
    vmresume: handlers.handle((value) => requests.execute({ $case: "vmresume", value })),
    vmcall: handlers.handle((value) => requests.execute({ $case: "vmcall", value })),
    vmfunc: handlers.handle((value) => requests.execute({ $case: "vmfunc", value })),
    invept: handlers.handle((value) => requests.execute({ $case: "invept", value })),
    invvpid: handlers.handle((value) => requests.execute({ $case: "invvpid", value })),
    moveToControlRegister: handlers.handle((value) => requests.execute({ $case: "moveToControlRegister", value })),
    rdmsr: handlers.handle((value) => requests.execute({ $case: "rdmsr", value })),
    wrmsr: handlers.handle((value) => requests.execute({ $case: "wrmsr", value })),
    interrupt: handlers.handle((value) => requests.execute({ $case: "interrupt", value })),
    init: handlers.handle((value) => requests.execute({ $case: "init", value })),
    sipi: handlers.handle((value) => requests.execute({ $case: "sipi", value })),
    reset: handlers.handle((value) => requests.execute({ $case: "reset", value })),
    vmExit: handlers.handle((value: cpuWire.VmExitRequest) => {
      if (!board.processor.nonRoot) throw noGuest(board.cpu);
      return requests.execute({ $case: "vmExit", value });
    }),
    execute: handlers.handle((request: cpuWire.ExecuteRequest) => requests.run(request)),
    getState: handlers.handle((_request: cpuWire.GetStateRequest) => stateOf(board)),
    readMemory: handlers.handle((request: cpuWire.ReadMemoryRequest) => requests.readMemory(request)),
    writeMemory: handlers.handle((value: cpuWire.WriteMemoryRequest) => {
      requests.execute({ $case: "writeMemory", value });
      return {};
    }),
  };
  return served("vmcslab.v1.CpuService", cpuWire.CpuServiceService, implementation);
}

function noGuest(cpu: number): OperationRefused {
  const message = `CPU ${cpu} is not in VMX non-root operation: no guest can leave`;
  return new OperationRefused({ code: "failedPrecondition", definite: true, message });
}
