/** `vmcslab replay`: runs a plan again and prints what happened. */
import { createInterface } from "node:readline";
import { UsageError } from "@vmcslab/lab/errors";
import { cpuModelCalled, mutantCalled, readPlanFile } from "@vmcslab/lab/explore";
import { recordRun, replayPlan } from "@vmcslab/sim";
import { hasColour } from "../output/terminal.js";
import { formatReplayEnd, formatReplayHead, formatStep, type Replayed, replayDocument } from "../report/replay.js";
import type { ReplayFlags } from "./replay.js";

/** Prints the run, and says as an exit code whether it violates a rule. */
export async function replayCommand(file: string, flags: ReplayFlags): Promise<number> {
  const plan = await readPlanFile(file);
  const until = untilOf(flags.until, plan.plan.operations.length);
  const mutant = mutantCalled(plan.mutant);
  const model = cpuModelCalled(plan.cpuModel);
  const options = () => ({ model, ...(mutant === undefined ? {} : { saboteur: mutant.create() }) });
  const replay = replayPlan(plan.plan, { ...options(), ...(until === undefined ? {} : { until }) });
  const replayed: Replayed = { file, plan, replay };
  const exitCode = replay.outcome.violation === undefined ? 0 : 1;
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify(replayDocument(replayed))}\n`);
    return exitCode;
  }
  const colour = hasColour(process.stdout, process.env);
  process.stdout.write(formatReplayHead(replayed, colour));
  await printSteps(
    replay.steps.map((step) => formatStep(step, colour)),
    flags.step === true && process.stdin.isTTY === true,
  );
  // A part has no violation to draw.
  const recording = exitCode === 1 ? recordRun(plan.plan, options()) : undefined;
  process.stdout.write(formatReplayEnd(replayed, recording, colour));
  return exitCode;
}

function untilOf(text: string | undefined, operations: number): number | undefined {
  if (text === undefined) return undefined;
  const [, digits] = /^op=(\d{1,9})$/.exec(text) ?? [];
  if (digits === undefined) throw new UsageError(`--until: "${text}" is not an operation; write op=3`);
  const number = Number(digits);
  if (number >= 1 && number <= operations) return number;
  throw new UsageError(`--until: there is no operation ${number}: the plan has ${operations}`);
}

async function printSteps(steps: readonly string[], waits: boolean): Promise<void> {
  if (!waits) {
    process.stdout.write(steps.join(""));
    return;
  }
  const lines = createInterface({ input: process.stdin });
  try {
    const entered = lines[Symbol.asyncIterator]();
    for (const step of steps) {
      process.stdout.write(`${step}(Enter) `);
      const { done } = await entered.next();
      // The input ended: nobody waits any more.
      if (done === true) process.stdout.write("\n");
    }
  } finally {
    lines.close();
  }
}
