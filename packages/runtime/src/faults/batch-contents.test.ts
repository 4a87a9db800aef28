import { expect, it } from "vitest";
import type { Batch } from "../generated/vmcslab/v1/interconnect.js";
import { BatchContents } from "./batch-contents.js";

function batch(id: number, ...cases: ("interrupt" | "vmlaunch" | "vmxoff")[]): Batch {
  const instructions = cases.map(($case) => ({ instruction: { $case, value: {} } }));
  return { id: BigInt(id), cpu: 0, operation: 0n, instructions };
}

it("the steps of a batch are known by its number, each once, until thousands have followed", () => {
  const contents = new BatchContents();
  contents.remember(batch(1, "interrupt", "vmlaunch", "interrupt"));
  expect(contents.of(1).toSorted()).toEqual(["interrupt", "vmlaunch"]);
  for (let id = 2; id <= 4096; id++) contents.remember(batch(id, "vmxoff"));
  expect(contents.of(1).toSorted()).toEqual(["interrupt", "vmlaunch"]);
  contents.remember(batch(4097, "vmlaunch"));
  expect([contents.of(1), contents.of(4097), contents.of(9999)]).toEqual([[], ["vmlaunch"], []]);
});
