import type { Batch, BatchInstruction } from "../generated/vmcslab/v1/interconnect.js";

type Step = NonNullable<BatchInstruction["instruction"]>["$case"];

/** A bit each. */
const BITS: Readonly<Record<Step, number>> = {
  vmxon: 1,
  vmxoff: 2,
  vmptrld: 4,
  vmclear: 8,
  vmwrite: 16,
  vmread: 32,
  vmlaunch: 64,
  vmresume: 128,
  guestExit: 256,
  interrupt: 512,
  resumeInterrupted: 1024,
};

/** Numbers grow, and what is so far behind is completed. */
const REMEMBERED = 4096;

/** Which steps the last batches of a link contain. Every batch is remembered, and hardly any asked for: it costs two words each and no garbage. */
export class BatchContents {
  readonly #ids = new Float64Array(REMEMBERED);
  readonly #steps = new Uint16Array(REMEMBERED);

  remember({ id, instructions }: Batch): void {
    const number = Number(id);
    const slot = number % REMEMBERED;
    let steps = 0;
    for (const { instruction } of instructions) if (instruction !== undefined) steps |= BITS[instruction.$case];
    this.#ids[slot] = number;
    this.#steps[slot] = steps;
  }

  /** The steps of the batch with this number, each once. None: it is not remembered. */
  of(number: number): readonly string[] {
    const slot = number % REMEMBERED;
    if (this.#ids[slot] !== number) return [];
    const steps = this.#steps[slot] ?? 0;
    return Object.entries(BITS).flatMap(([step, bit]) => ((steps & bit) === 0 ? [] : [step]));
  }
}
