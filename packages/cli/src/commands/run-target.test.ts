import { parseExperiment } from "@vmcslab/lab";
import { UsageError } from "@vmcslab/lab/errors";
import { COST_MODELS } from "@vmcslab/sim";
import { expect, it } from "vitest";
import { chooseTarget } from "./run-target.js";

const { experiment } = parseExperiment("name: a\nworkload: { roundRobin: { entries: 1 } }", "a.yaml");
const choose = (flags: Parameters<typeof chooseTarget>[0]) =>
  chooseTarget(flags, experiment, 7, new AbortController().signal);

it.each([
  [{ simulate: true, attach: "h:1" }, "--attach goes with hosts of processes: leave out --attach or --simulate"],
  [{ simulate: true, trace: "h:1" }, "--trace goes with hosts of processes: leave out --trace or --simulate"],
  [{ simulate: true, nats: "nats://h" }, "--nats goes with hosts of processes: leave out --nats or --simulate"],
  [{ simulate: true, compose: true }, "--compose goes with hosts of processes: leave out --compose or --simulate"],
  [{ trace: "h:1" }, "--trace goes with --attach or --compose"],
  [{ compose: true, attach: "h" }, '--attach: "h" is not host:port'],
  [{ costModel: "default" }, "--cost-model goes with --simulate"],
  [
    { simulate: true, costModel: "toString" },
    `--cost-model: "toString" is not a cost model; it is one of ${Object.keys(COST_MODELS).join(", ")} (vmcslab costs)`,
  ],
] as const)("%j is refused", async (flags, message) => {
  await expect(choose(flags)).rejects.toThrow(new UsageError(message));
});

it.each([{}, { simulate: true }, { simulate: true, costModel: "westmere" }] as const)("%j is not", async (flags) => {
  expect(await choose(flags)).toBeTypeOf("function");
});
