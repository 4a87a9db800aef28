import type { EventFact } from "@vmcslab/history";
import { type Instruction, Op, type Outcome } from "@vmcslab/vmx";
import type { Board } from "./board.js";
import { type Before, factOf } from "./facts.js";

/** Instructions that people execute, one by one, on the processor that L0 uses too. They belong to no operation and no activation of L0's: epoch 0. */
export class PeoplesInstructions {
  readonly #board: Board;
  readonly #emit: (fact: EventFact) => void;

  constructor(board: Board, emit: (fact: EventFact) => void) {
    this.#board = board;
    this.#emit = emit;
  }

  /** The outcome belongs to the processor and is valid until its next instruction. */
  execute(instruction: Instruction): Outcome {
    const { processor, cpu } = this.#board;
    const before = this.#lookAt(instruction);
    const outcome = processor.execute(instruction);
    const fact = factOf(processor, instruction, outcome, before);
    if (fact !== undefined) this.#emit({ ...fact, operation: 0, cpu });
    return outcome;
  }

  #lookAt({ op, low, high }: Instruction): Before {
    const { processor } = this.#board;
    // Exact for every address that a region can have; no region has any other.
    const region = high * 0x1_0000_0000 + low;
    const written = op === Op.vmclear ? processor.fieldsOf(region) : undefined;
    return {
      region,
      running: processor.currentVmcs,
      vmxOperation: processor.inVmxOperation,
      active: processor.isActive(region),
      launched: processor.isLaunched(region),
      ...(written === undefined ? {} : { digest: written.digest() }),
    };
  }
}
