/** A machine of CPUs that are reached through CpuService, each with a memory of its own. */
import {
  type Demand,
  type ExecResult,
  REGIONS,
  type Reached,
  type Replay,
  replayScript,
  type Sequence,
} from "../../../packages/lab/src/exec/index.js";
import type { CpuOutcome, CpuStep } from "../../../packages/runtime/src/index.js";
import { instructionToStep } from "../../../packages/runtime/src/index.js";
import { type Instruction, Op, PAGE_BYTES } from "../../../packages/vmx/src/index.js";

/** Of the machine that was recorded. */
export const MEMORY_BYTES = 64 * 1024 * 1024;
const PAGE_DWORDS = PAGE_BYTES / 4;

/** One CPU, by whatever way. */
export interface RemoteCpu {
  execute(instruction: Instruction): Promise<CpuOutcome>;
  run(steps: readonly CpuStep[]): Promise<readonly CpuOutcome[]>;
  readMemory(address: number, count: number): Promise<readonly number[]>;
}

/** Replays a sequence on as many CPUs as it has, after making them and their memories new. */
export async function replayOn(sequence: Sequence, cpus: readonly RemoteCpu[]): Promise<Replay> {
  const machine = new RemoteMachine(cpus);
  await machine.powerOn(sequence.model.revision);
  const script = replayScript(sequence);
  let step = script.next();
  while (step.done !== true) step = script.next(await machine.perform(step.value));
  return step.value;
}

/** Also does what L0 does for CPUs that share no memory: what one writes to it is copied to the others. */
class RemoteMachine {
  readonly #cpus: readonly RemoteCpu[];
  /** By CPU: the state that its last instruction or store left. */
  readonly #left: CpuOutcome[] = [];

  constructor(cpus: readonly RemoteCpu[]) {
    this.#cpus = cpus;
  }

  async powerOn(revision: number): Promise<void> {
    const steps: CpuStep[] = [{ $case: "reset", value: { clearMemory: true } }];
    for (const region of REGIONS.values()) steps.push(storeStep(region, [revision]));
    for (const cpu of this.#cpus) this.#left.push(last(await cpu.run(steps)));
  }

  async perform(demand: Demand): Promise<Reached> {
    const outcomes = demand.kind === "store" ? await this.#store(demand) : await this.#run(demand);
    const left = last(outcomes);
    this.#left[demand.cpu] = left;
    return {
      results: outcomes.map(resultOf),
      vmx: left.vmxOperation,
      current: left.current ?? -1,
      guestRip: left.guestRip,
    };
  }

  async #run({ cpu, instructions }: Extract<Demand, { kind: "run" }>): Promise<readonly CpuOutcome[]> {
    const [first, ...others] = instructions;
    if (first === undefined) throw new Error("a run without instructions");
    if (others.length > 0) return await this.#cpu(cpu).run(instructions.map(instructionToStep));
    const outcome = await this.#cpu(cpu).execute(first);
    if (first.op === Op.vmclear && outcome.status === "succeed") await this.#spread(cpu, addressOf(first));
    return [outcome];
  }

  async #store({ cpu, address, value }: Extract<Demand, { kind: "store" }>): Promise<readonly CpuOutcome[]> {
    const left = this.#left[cpu];
    // Nobody answers there: the store is dropped.
    if (address >= BigInt(MEMORY_BYTES))
      return left === undefined ? [] : [{ vmxOperation: left.vmxOperation, ...currentOf(left), status: "succeed" }];
    const step = storeStep(Number(address), value === undefined ? new Array<number>(PAGE_DWORDS).fill(0) : [value]);
    const outcomes = await Promise.all(this.#cpus.map((each) => each.run([step])));
    return outcomes[cpu] ?? [];
  }

  /** Copies a page from one CPU's memory to the others'. */
  async #spread(from: number, address: number): Promise<void> {
    if (this.#cpus.length === 1 || address >= MEMORY_BYTES) return;
    const dwords = await this.#cpu(from).readMemory(address, PAGE_DWORDS);
    const others = this.#cpus.filter((_, cpu) => cpu !== from);
    await Promise.all(others.map((cpu) => cpu.run([storeStep(address, dwords)])));
  }

  #cpu(cpu: number): RemoteCpu {
    const found = this.#cpus[cpu];
    if (found === undefined) throw new Error(`no CPU ${cpu}`);
    return found;
  }
}

function storeStep(address: number, dwords: readonly number[]): CpuStep {
  return { $case: "writeMemory", value: { address: BigInt(address), dwords: [...dwords] } };
}

function addressOf({ low, high }: Instruction): number {
  return high * 0x1_0000_0000 + low;
}

function currentOf({ current }: CpuOutcome): { current?: number } {
  return current === undefined ? {} : { current };
}

function last(outcomes: readonly CpuOutcome[]): CpuOutcome {
  const outcome = outcomes.at(-1);
  if (outcome === undefined) throw new Error("nothing was executed");
  return outcome;
}

function resultOf(outcome: CpuOutcome): ExecResult {
  const { status, error, vector, errorCode, value, reason, qualification, entryFailure } = outcome;
  return {
    status,
    ...(error !== undefined && { error }),
    ...(vector !== undefined && { vector }),
    ...(errorCode !== undefined && { errcode: errorCode }),
    ...(value !== undefined && { value: hexadecimal(value) }),
    ...(reason !== undefined && { reason }),
    ...(qualification !== undefined && { qual: hexadecimal(qualification) }),
    ...(entryFailure === true && { entryFailure }),
  };
}

function hexadecimal(value: bigint): string {
  return `0x${value.toString(16)}`;
}
