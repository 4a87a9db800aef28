import {
  type CpuStep,
  cpuOutcomeToWire,
  type cpuWire,
  InvalidMessage,
  instructionFromStep,
  OperationRefused,
  producedValue,
  toNumber,
} from "@vmcslab/runtime";
import { Field, Hazard, type Instruction, Outcome, Status, storeHazard } from "@vmcslab/vmx";
import type { Board } from "./board.js";
import type { PeoplesInstructions } from "./instructions.js";

const DWORDS_MAX = 1024;
const STEPS_MAX = 4096;

type Ordered = () => cpuWire.ExecuteResult;

/** What CpuService does for each request, whichever RPC or program it came in. */
export class CpuRequests {
  readonly #board: Board;
  readonly #instructions: PeoplesInstructions;

  constructor(board: Board, instructions: PeoplesInstructions) {
    this.#board = board;
    this.#instructions = instructions;
  }

  /** Throws InvalidMessage for a request that says nothing sensible; nothing was executed then. */
  execute(step: CpuStep): cpuWire.ExecuteResult {
    return this.#understand(step)();
  }

  /** All steps are understood before the first is executed. */
  run({ steps }: cpuWire.ExecuteRequest): cpuWire.ExecuteResponse {
    if (steps.length < 1 || steps.length > STEPS_MAX)
      throw new InvalidMessage(`${steps.length} steps: 1 to ${STEPS_MAX} at a time`);
    const understood = steps.map(({ step }, index) => {
      if (step === undefined) throw new InvalidMessage(`step ${index} is not set`);
      return this.#understand(step);
    });
    return { results: understood.map((perform) => perform()) };
  }

  readMemory({ address, count }: cpuWire.ReadMemoryRequest): cpuWire.ReadMemoryResponse {
    const from = dwordAddress(address, count);
    return { dwords: Array.from({ length: count }, (_, index) => this.#board.memory.read32(from + 4 * index)) };
  }

  #understand(step: CpuStep): Ordered {
    if (this.#board.hasOwner && !isLook(step, this.#board)) throw belongsToL0(this.#board.cpu);
    if (step.$case === "writeMemory") {
      const { address, dwords } = step.value;
      const to = dwordAddress(address, dwords.length);
      return () => this.#store(to, dwords);
    }
    const instruction = instructionFromStep(step);
    const clearsMemory = step.$case === "reset" && step.value.clearMemory;
    return () => this.#perform(instruction, clearsMemory);
  }

  #perform(instruction: Instruction, clearsMemory: boolean): cpuWire.ExecuteResult {
    const { processor, memory } = this.#board;
    const outcome = this.#instructions.execute(instruction);
    if (clearsMemory) memory.clear();
    const guestRip =
      outcome.status === Status.vmentry ? processor.fieldsOf(processor.currentVmcs)?.read(Field.GUEST_RIP) : undefined;
    return { outcome: cpuOutcomeToWire(outcome, processor, guestRip), value: producedValue(outcome) };
  }

  #store(to: number, dwords: readonly number[]): cpuWire.ExecuteResult {
    const { processor, memory } = this.#board;
    const stored = new Outcome();
    for (const [index, dword] of dwords.entries()) {
      stored.hazard = stored.hazard === Hazard.none ? storeHazard(memory, to + 4 * index) : stored.hazard;
      memory.write32(to + 4 * index, dword);
    }
    return { outcome: cpuOutcomeToWire(stored, processor, undefined), value: undefined };
  }
}

/** What changes nothing. In a guest even these would make it leave. */
const LOOKS: readonly CpuStep["$case"][] = ["vmptrst", "vmread", "rdmsr"];

function isLook({ $case }: CpuStep, { processor }: Board): boolean {
  return LOOKS.includes($case) && !processor.nonRoot;
}

function belongsToL0(cpu: number): OperationRefused {
  const message =
    `CPU ${cpu} belongs to an L0, which would not learn of it; GetState and ReadMemory always answer, VMPTRST, VMREAD and RDMSR in root operation. ` +
    "To execute instructions by hand, start a CPU without an L0";
  return new OperationRefused({ code: "failedPrecondition", definite: true, message });
}

function dwordAddress(address: bigint, count: number): number {
  if (address % 4n !== 0n) throw new InvalidMessage(`address 0x${address.toString(16)} is not a multiple of 4`);
  if (count < 1 || count > DWORDS_MAX) throw new InvalidMessage(`${count} dwords: 1 to ${DWORDS_MAX} at a time`);
  return toNumber(address, "address");
}
