import fc from "fast-check";
import { expect, it } from "vitest";
import { axisTitles, cellNames } from "./cell-name.js";

it("tell axes apart by as little as it takes", () => {
  expect(axisTitles(["machine.cpus", "faults.a.for", "faults.b.for", "way"])).toEqual([
    "cpus",
    "a.for",
    "b.for",
    "way",
  ]);
  expect(axisTitles(["for", "faults.a.for"])).toEqual(["for", "a.for"]);
});

it("are read as what they are", () => {
  expect(
    cellNames(["workload.roundRobin.migrations"], [{ "workload.roundRobin.migrations": "every 5 entries" }]),
  ).toEqual(["migrations=every-5-entries"]);
  expect(cellNames([], [{}])).toEqual(["all"]);
});

it("are names of folders, and none comes twice", () => {
  const value = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc.double(),
    fc.constant(["../x"]),
    fc.constant(null),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 12 }), (pairs) => {
      const names = cellNames(
        ["a.x", "b.y"],
        pairs.map(([x, y]) => ({ "a.x": x, "b.y": y })),
      );
      expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(pairs.length);
      for (const name of names) expect(name).toMatch(/^[A-Za-z0-9][A-Za-z0-9._=,-]{0,180}$/);
    }),
  );
});
