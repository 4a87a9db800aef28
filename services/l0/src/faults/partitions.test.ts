import { expect, test } from "vitest";
import { Partitions } from "./partitions.js";

test("a CPU is cut off until every fault that cut it off has ended", () => {
  const partitions = new Partitions();
  const [first, second, other] = [partitions.cut(1), partitions.cut(1), partitions.cut(2)];
  first();
  expect([0, 1, 2].map(partitions.isCut)).toEqual([false, true, true]);
  second();
  expect([0, 1, 2].map(partitions.isCut)).toEqual([false, false, true]);
  other();
  expect([0, 1, 2].map(partitions.isCut)).toEqual([false, false, false]);
});
