import {
  cpuWire,
  InvalidMessage,
  OperationRefused,
  type ServedService,
  served,
  toNumber,
  type UnaryHandlers,
} from "@vmcslab/runtime";
import { Mode, type ModeCode } from "@vmcslab/vmx";
import type { Board } from "./board.js";
import type { Operands, PeoplesInstructions } from "./instructions.js";
import { outcomeToWire, producedValue } from "./outcome.js";
import { stateOf } from "./state.js";

const DWORDS_MAX = 1024;
const EXIT_REASON_MAX = 0xffff;

type Name = Parameters<PeoplesInstructions["execute"]>[0];

/** CpuService: one RPC per instruction. */
export function cpuService(board: Board, instructions: PeoplesInstructions, handlers: UnaryHandlers): ServedService {
  const run = (name: Name, operands: Operands): { outcome: cpuWire.Outcome; value: bigint | undefined } => {
    const outcome = instructions.execute(name, operands);
    return { outcome: outcomeToWire(outcome), value: producedValue(outcome) };
  };
  const onRegion = (name: Name) =>
    handlers.handle(({ address, mode }: cpuWire.VmxonRequest) => run(name, { value: address, mode: modeOf(mode) }));
  const entry = (name: Name) =>
    handlers.handle(({ mode, movSs }: cpuWire.VmlaunchRequest) => run(name, { mode: modeOf(mode), movSs }));
  const plain = (name: Name) => handlers.handle(({ mode }: cpuWire.VmxoffRequest) => run(name, { mode: modeOf(mode) }));
  const implementation: cpuWire.CpuServiceServer = {
    vmxon: onRegion("vmxon"),
    vmxoff: plain("vmxoff"),
    vmclear: onRegion("vmclear"),
    vmptrld: onRegion("vmptrld"),
    vmptrst: plain("vmptrst"),
    vmread: handlers.handle(({ field, mode }: cpuWire.VmreadRequest) => run("vmread", { field, mode: modeOf(mode) })),
    vmwrite: handlers.handle(({ field, value, mode }: cpuWire.VmwriteRequest) =>
      run("vmwrite", { field, value, mode: modeOf(mode) }),
    ),
    vmlaunch: entry("vmlaunch"),
    vmresume: entry("vmresume"),
    vmExit: handlers.handle(({ reason, qualification }: cpuWire.VmExitRequest) => {
      if (reason > EXIT_REASON_MAX) throw new InvalidMessage(`exit reason ${reason} has more than 16 bits`);
      if (!board.processor.nonRoot) throw noGuest(board.cpu);
      return run("vmexit", { reason, qualification });
    }),
    getState: handlers.handle((_request: cpuWire.GetStateRequest) => stateOf(board)),
    readMemory: handlers.handle(({ address, count }: cpuWire.ReadMemoryRequest) => {
      const from = dwordAddress(address, count);
      return { dwords: Array.from({ length: count }, (_, index) => board.memory.read32(from + 4 * index)) };
    }),
    writeMemory: handlers.handle(({ address, dwords }: cpuWire.WriteMemoryRequest) => {
      const to = dwordAddress(address, dwords.length);
      for (const [index, dword] of dwords.entries()) board.memory.write32(to + 4 * index, dword);
      return {};
    }),
  };
  return served("vmcslab.v1.CpuService", cpuWire.CpuServiceService, implementation);
}

function noGuest(cpu: number): OperationRefused {
  const message = `CPU ${cpu} is not in VMX non-root operation: no guest can leave`;
  return new OperationRefused({ code: "failedPrecondition", definite: true, message });
}

function modeOf(mode: cpuWire.ProcessorMode): ModeCode {
  const { ProcessorMode } = cpuWire;
  switch (mode) {
    case ProcessorMode.UNSPECIFIED:
    case ProcessorMode.RING0:
      return Mode.kernel64;
    case ProcessorMode.USER:
      return Mode.user64;
    case ProcessorMode.COMPATIBILITY:
      return Mode.compatibility;
    default:
      throw new InvalidMessage(`processor mode ${mode} is not known`);
  }
}

function dwordAddress(address: bigint, count: number): number {
  if (address % 4n !== 0n) throw new InvalidMessage(`address 0x${address.toString(16)} is not a multiple of 4`);
  if (count < 1 || count > DWORDS_MAX) throw new InvalidMessage(`${count} dwords: 1 to ${DWORDS_MAX} at a time`);
  return toNumber(address, "address");
}
