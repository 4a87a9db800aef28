import {
  type BatchInstruction,
  type BatchResult,
  type InstructionResult,
  isExpected,
  type OutgoingBatch,
} from "@vmcslab/nested";
import type { Saboteur } from "../host/sim-host.js";
import { conduct, waitFor } from "./conduct.js";
import type { World } from "./world.js";

/** Another batch than the core decided, and what the core is told of it. */
export interface Rewritten {
  readonly batch: OutgoingBatch;
  readonly adapt: (result: BatchResult) => BatchResult;
}

/** Rewrites batches on their way; one that is asked for again is asked for as it was sent. */
export function rewriting(
  world: World,
  rewrite: (batch: OutgoingBatch) => Rewritten | undefined,
): Pick<Required<Saboteur>, "batch" | "operation"> {
  const sent = new WeakMap<OutgoingBatch, Rewritten>();
  return {
    batch(batch, done, send) {
      const rewritten = rewrite(batch);
      if (rewritten === undefined) {
        send(batch, done);
        return;
      }
      sent.set(batch, rewritten);
      send(rewritten.batch, (result) => done(rewritten.adapt(result)));
    },
    operation: (operation) =>
      conduct(world, operation, function* again(wait) {
        const rewritten = wait.kind === "again" ? sent.get(wait.batch) : undefined;
        if (rewritten === undefined) return yield* waitFor(wait);
        const results = yield { kind: "again", batch: rewritten.batch };
        return results.map(rewritten.adapt);
      }),
  };
}

/** The batch without the steps for which `drop` makes up a result; undefined when it keeps them all. */
export function withoutSteps(
  batch: OutgoingBatch,
  drop: (step: BatchInstruction) => InstructionResult | undefined,
): Rewritten | undefined {
  const madeUp = batch.instructions.map(drop);
  const instructions = batch.instructions.filter((_, i) => madeUp[i] === undefined);
  if (instructions.length === batch.instructions.length) return undefined;
  return {
    batch: { ...batch, instructions },
    adapt: (result) =>
      result.ok
        ? { ok: true, completion: { ...result.completion, results: fillIn(batch, madeUp, result.completion.results) } }
        : result,
  };
}

/** One result per step again, up to the step that stopped the batch. */
function fillIn(
  { instructions }: OutgoingBatch,
  madeUp: readonly (InstructionResult | undefined)[],
  results: readonly InstructionResult[],
): InstructionResult[] {
  const filled: InstructionResult[] = [];
  let next = 0;
  for (const [i, step] of instructions.entries()) {
    const result = madeUp[i] ?? results[next++];
    if (result === undefined) break;
    filled.push(result);
    if (!isExpected(step, result)) break;
  }
  return filled;
}

/** As if every step of a cross-CPU clear had been executed, and nothing flushed. */
export function pretendCleared({ cpu, instructions }: OutgoingBatch): BatchResult {
  const results = instructions.map(
    ({ kind }): InstructionResult => (kind === "vmclear" ? { status: "succeed" } : { status: "skipped" }),
  );
  return { ok: true, completion: { id: 0, cpu, results } };
}
