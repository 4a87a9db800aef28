import type { SourceCount } from "@vmcslab/runtime";
import { expect, test } from "vitest";
import { describeSilence } from "../check/recording.js";
import { endsOf, furthestOf } from "./traced.js";

function life(source: string, incarnation: number, ended: boolean): SourceCount {
  return { host: "h", source, incarnation, published: 7, stored: 7, lost: 0, duplicates: 0, ended };
}

test("a life that is over must have said where it ended", () => {
  const known = [
    life("cpu0", 1, false),
    life("cpu0", 2, true),
    life("cpu0", 3, false),
    // It is gone for good.
    life("cpu1", 1, false),
    // Nobody knows whether it is; its life before that is over.
    life("cpu2", 1, false),
    life("cpu2", 2, false),
    life("l0", 4, true),
  ];
  const positions = [{ host: "h", source: "cpu0", incarnation: 3, published: 7 }];
  const { ended, unended } = endsOf(known, positions, ["cpu2"]);
  const names = (lives: readonly { source: string; incarnation: number }[]) =>
    lives.map(({ source, incarnation }) => `${source} ${incarnation}`);
  expect(names(unended)).toEqual(["cpu0 1", "cpu1 1", "cpu2 1"]);
  expect(names(ended)).toEqual(["cpu0 2", "l0 4"]);
  expect(describeSilence({ silent: ["cpu2"], unended: unended.slice(0, 1) })).toEqual([
    "cpu2 did not say how many events it published",
    "cpu0 was killed in its life 1: it never said where its events end, 7 are known",
  ]);
});

test("a life whose clock ran ahead is over all the same when another one answers", () => {
  const known = [life("cpu0", 9, false), life("cpu0", 3, false)];
  const positions = [{ host: "h", source: "cpu0", incarnation: 3, published: 7 }];
  expect(endsOf(known, positions, []).unended).toMatchObject([{ source: "cpu0", incarnation: 9 }]);
});

test("a life got as far as it said, or further if more is known of it", () => {
  const at = (source: string, published: number) => ({ host: "h", source, incarnation: 1, published });
  const stated = [at("l0", 7), at("cpu0", 9), at("cpu1", 3)];
  const known = [at("l0", 8), at("cpu0", 5), at("cpu2", 4)];
  expect(furthestOf(stated, known)).toEqual([at("cpu1", 3), at("l0", 8), at("cpu0", 9), at("cpu2", 4)]);
});
