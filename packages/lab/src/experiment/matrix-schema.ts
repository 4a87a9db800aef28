/** The keys of an experiment file that make it a study: many runs, that differ in what the matrix says. */
import { z } from "zod";
import { count } from "./schema-parts.js";

/** More points on one axis than any curve needs. */
const VALUES_MAX = 256;
export const REPETITIONS_MAX = 1_000;

const setting = z.unknown();

export const matrixKeys = {
  matrix: z
    .record(
      z.string(),
      z
        .array(setting, { error: "must be a list of values, such as [1, 2, 4]" })
        .min(1, "needs at least one value")
        .max(VALUES_MAX, `takes ${VALUES_MAX} values at most`),
    )
    .default({})
    .describe(
      "Makes a study of the experiment: dotted paths of this file, each with a list of values; every combination is a cell. `way` is `processes` or `simulated`.",
    ),
  exclude: z
    .array(z.record(z.string(), setting))
    .default([])
    .describe("Cells to leave out: those that have all the values of an entry, by the paths of `matrix`."),
  repetitions: count(REPETITIONS_MAX)
    .default(1)
    .describe("How often every cell is run; an interval takes 5. Each repetition has a seed of its own."),
};
