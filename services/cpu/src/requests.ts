import {
  type CpuStep,
  checkCount,
  cpuOutcomeToWire,
  type cpuWire,
  InvalidMessage,
  instructionFromStep,
  LIMITS,
  OperationRefused,
  producedValue,
} from "@vmcslab/runtime";
import { Field, Hazard, type Instruction, Outcome, Status, storeHazard } from "@vmcslab/vmx";
import type { Board } from "./board.js";
import type { PeoplesInstructions } from "./instructions.js";

/** Dwords of a WriteMemory may lie in two pages; an instruction touches fewer. */
const PAGES_PER_STEP = 2;

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
    this.#checkMemory([step]);
    return this.#understand(step)();
  }

  /** All steps are understood before the first is executed. */
  run({ steps }: cpuWire.ExecuteRequest): cpuWire.ExecuteResponse {
    checkCount(steps.length, LIMITS.steps, "steps", 1);
    this.#checkMemory(steps.flatMap(({ step }) => step ?? []));
    const understood = steps.map(({ step }, index) => {
      if (step === undefined) throw new InvalidMessage(`step ${index} is not set`);
      return this.#understand(step);
    });
    return { results: understood.map((perform) => perform()) };
  }

  readMemory({ address, count }: cpuWire.ReadMemoryRequest): cpuWire.ReadMemoryResponse {
    const from = this.#dwordAddress(address, count);
    return { dwords: Array.from({ length: count }, (_, index) => this.#board.memory.read32(from + 4 * index)) };
  }

  #understand(step: CpuStep): Ordered {
    if (this.#board.hasOwner && !isLook(step, this.#board)) throw belongsToL0(this.#board.cpu);
    if (step.$case === "writeMemory") {
      const { address, dwords } = step.value;
      const to = this.#dwordAddress(address, dwords.length);
      return () => this.#store(to, dwords);
    }
    const instruction = instructionFromStep(step);
    const clearsMemory = step.$case === "reset" && step.value.clearMemory;
    return () => this.#perform(instruction, clearsMemory);
  }

  /** Memory is sparse, and what is written to stays: without a bound a loop over addresses would take all that the machine has. */
  #checkMemory(steps: readonly CpuStep[]): void {
    const { memory, cpu } = this.#board;
    const pages = memory.pageCount + PAGES_PER_STEP * steps.filter(({ $case }) => WRITES.includes($case)).length;
    const { max } = LIMITS.memoryPages;
    if (pages > max && steps.some(({ $case }) => WRITES.includes($case))) throw memoryFull(cpu, memory.pageCount, max);
  }

  /** All of it within what the processor can address. */
  #dwordAddress(address: bigint, count: number): number {
    if (address % 4n !== 0n) throw new InvalidMessage(`address 0x${address.toString(16)} is not a multiple of 4`);
    checkCount(count, LIMITS.dwords, "dwords", 1);
    const { physicalAddressWidth } = this.#board.model;
    if ((address + 4n * BigInt(count) - 1n) >> BigInt(physicalAddressWidth) !== 0n)
      throw new InvalidMessage(
        `address 0x${address.toString(16)} with ${count} dwords: physical addresses of this CPU have ${physicalAddressWidth} bits`,
      );
    return Number(address);
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

/** What may write to a page that nothing was written to before. */
const WRITES: readonly CpuStep["$case"][] = ["writeMemory", "vmclear", "vmxoff"];

function isLook({ $case }: CpuStep, { processor }: Board): boolean {
  return LOOKS.includes($case) && !processor.nonRoot;
}

function memoryFull(cpu: number, pages: number, max: number): OperationRefused {
  const message = `${pages} pages of CPU ${cpu}'s memory were written to, ${max} at most: Reset with clear_memory empties it`;
  return new OperationRefused({ code: "noMemory", definite: true, message });
}

function belongsToL0(cpu: number): OperationRefused {
  const message =
    `CPU ${cpu} belongs to an L0, which would not learn of it; GetState and ReadMemory always answer, VMPTRST, VMREAD and RDMSR in root operation. ` +
    "To execute instructions by hand, start a CPU without an L0";
  return new OperationRefused({ code: "failedPrecondition", definite: true, message });
}
