import { type BatchResult, fail, OperationFailed, type OutgoingBatch, type Steps } from "../effect.js";
import type { BatchInstruction, InstructionResult } from "../interconnect/batch.js";
import { isExpected } from "../interconnect/expected.js";
import type { HostCpu } from "./host-cpu.js";
import type { HostState } from "./host-state.js";
import { Script } from "./script.js";
import type { Vcpu } from "./vcpu.js";

/** The first instruction of a batch that did not end as expected. */
export interface Stopped {
  readonly instruction: BatchInstruction;
  readonly result: InstructionResult;
}

interface Flushed {
  /** Our own script's result; undefined when there was nothing to send. */
  readonly own: BatchResult | undefined;
  readonly stopped: Stopped | undefined;
  /** Results of the batches that went out with it. */
  readonly others: readonly BatchResult[];
}

/** One operation at work for one vcpu on one CPU. */
export class Task {
  script: Script;
  /** How often it waited for CPUs; batches that go out together are one round trip. */
  roundTrips = 0;

  constructor(
    readonly host: HostState,
    readonly operation: number,
    readonly vcpu: Vcpu,
    readonly cpu: HostCpu,
  ) {
    this.script = new Script(cpu);
    host.involve(operation, vcpu.id);
  }

  /** Sends what was collected; fails the operation unless all of it ended as expected. */
  *flush(): Steps<void> {
    this.require(yield* this.flushWith([]));
  }

  /** As {@link flush}, but an instruction that stopped the batch is the caller's to handle. */
  *flushEntry(): Steps<Stopped | undefined> {
    const flushed = yield* this.flushWith([]);
    if (flushed.own?.ok === false) this.require(flushed);
    return flushed.stopped;
  }

  /** Sends what was collected together with `others`, all at once. Nothing is judged: the caller applies what succeeded first. */
  *flushWith(others: readonly OutgoingBatch[]): Steps<Flushed> {
    const script = this.script;
    this.script = new Script(this.cpu);
    if (script.isEmpty && others.length === 0) return { own: undefined, stopped: undefined, others: [] };
    this.roundTrips++;
    if (script.isEmpty) {
      return { own: undefined, stopped: undefined, others: yield { kind: "batches", batches: others } };
    }
    const batch = {
      cpu: this.cpu.number,
      operation: this.operation,
      instructions: script.instructions,
      askedAgain: true,
    };
    const [own, ...rest] = yield { kind: "batches", batches: [batch, ...others] };
    if (own?.ok === false && own.error.code === "deadline") {
      this.vcpu.unsettled = { batch, script };
      return { own, stopped: undefined, others: rest };
    }
    return { own, stopped: settle(script, own), others: rest };
  }

  /** Fails the operation unless our own script did what it should. */
  require(flushed: Flushed): void {
    const failure = this.failureOf(flushed);
    if (failure !== undefined) throw failure;
  }

  /** Why our own script did not do what it should. */
  failureOf({ own, stopped }: Flushed): OperationFailed | undefined {
    if (own?.ok === false) return new OperationFailed(own.error);
    if (stopped === undefined) return undefined;
    const message = describeStop(this.cpu.number, stopped);
    return new OperationFailed({ code: "unexpectedOutcome", definite: true, message });
  }
}

/**
 * What an earlier operation on this vcpu sent and never heard of is settled first: its recorded completion, or the certainty that its CPU is gone with it.
 */
export function* settleEarlier(vcpu: Vcpu): Steps<void> {
  const { unsettled } = vcpu;
  if (unsettled === undefined) return;
  const [result] = yield { kind: "again", batch: unsettled.batch };
  if (result?.ok === false && result.error.code === "deadline") throw new OperationFailed(result.error);
  vcpu.unsettled = undefined;
  settle(unsettled.script, result);
}

/**
 * Tells everyone who waits for a part of a script how it ended. Unless all of it was executed, what is current and who runs on that CPU is not what was decided: to know
 * nothing is always safe, at the price of an interrupt and a VMPTRLD.
 */
function settle(script: Script, result: BatchResult | undefined): Stopped | undefined {
  const executed = result?.ok === true ? result.completion.results : [];
  const stopped = result?.ok === true ? findStop(script.cpu.number, script.instructions, executed) : undefined;
  if (result?.ok !== true || stopped !== undefined) {
    script.cpu.current = undefined;
    script.cpu.running = undefined;
  }
  script.settle(executed);
  return stopped;
}

/** Whoever is in a guest on this CPU leaves it: a VM exit for an external interrupt. */
export function leaveOtherGuest(task: Task): void {
  if (task.script.instructions.length === 0 || task.cpu.running !== undefined) task.script.interrupt();
}

/** The instruction that stopped a batch, if one did. */
export function findStop(
  cpu: number,
  instructions: readonly BatchInstruction[],
  results: readonly InstructionResult[],
): Stopped | undefined {
  const result = results.at(-1);
  const instruction = instructions[results.length - 1];
  if (result !== undefined && instruction !== undefined && !isExpected(instruction, result))
    return { instruction, result };
  if (results.length === instructions.length) return undefined;
  fail("unexpectedOutcome", `CPU ${cpu}: ${results.length} results for ${instructions.length} instructions`);
}

export function describeStop(cpu: number, { instruction, result }: Stopped): string {
  const how = result.entryFailure === true ? `a failed entry, exit reason ${result.reason}` : result.status;
  return `CPU ${cpu}: ${instruction.kind} ended in ${how}${result.error === undefined ? "" : ` ${result.error}`}`;
}
