import type { SourceCount } from "@vmcslab/runtime";
import { expect, test } from "vitest";
import { describeSilence } from "../check/recording.js";
import { endsOf } from "./traced.js";

function life(source: string, incarnation: number, ended: boolean, host = "h"): SourceCount {
  return { host, source, incarnation, published: 7, stored: 7, lost: 0, duplicates: 0, ended };
}

test("a life that another one of its source followed must have said where it ended", () => {
  const known = [
    life("cpu0", 1, false),
    life("cpu0", 2, true),
    life("cpu0", 3, false),
    // Other sources and hosts follow nobody.
    life("cpu1", 1, false),
    life("cpu1", 9, false, "other"),
    life("l0", 4, true),
  ];
  const { ended, unended } = endsOf(known);
  expect(unended).toEqual([{ host: "h", source: "cpu0", incarnation: 1, published: 7 }]);
  expect(ended.map(({ source, incarnation }) => [source, incarnation])).toEqual([
    ["cpu0", 2],
    ["l0", 4],
  ]);
  expect(describeSilence({ silent: ["cpu1"], unended })).toEqual([
    "cpu1 did not say how many events it published",
    "cpu0 was killed in its life 1: it never said where its events end, 7 are known",
  ]);
});
