/** How the distribution of a delay is written in an experiment file. */
import { DISTRIBUTIONS } from "@vmcslab/faults";
import { z } from "zod";
import { duration } from "./schema-parts.js";

const positive = (error: string) => z.number({ error }).gt(0, { error });

/** In the order of DISTRIBUTION_KINDS. */
export const distributionSchema = z.union([
  z.strictObject({ constant: duration.describe("The delay.") }),
  z.strictObject({
    uniform: z
      .strictObject({ min: duration.describe("The shortest."), max: duration.describe("The longest.") })
      .describe("Evenly from `min` to `max`."),
  }),
  z.strictObject({
    exponential: z.strictObject({ mean: duration.describe("The mean.") }).describe("Without memory."),
  }),
  z.strictObject({
    logNormal: z
      .strictObject({
        p50: duration.describe("Half are shorter."),
        p99: duration.describe("One in a hundred is longer."),
      })
      .describe("By two of its percentiles."),
  }),
  z.strictObject({
    pareto: z
      .strictObject({
        scale: duration.describe("The shortest."),
        shape: positive("must be a number above 0").describe(
          "The larger, the lighter the tail; with 1 or less there is no mean.",
        ),
      })
      .describe("With a heavy tail."),
  }),
  z.strictObject({
    empirical: z
      .string({ error: "must be the path of a file with one duration per line" })
      .min(1, "must be the path of a file with one duration per line")
      .describe("As measured: the path of a text file with one duration per line; `#` begins a comment."),
  }),
]);

export type DistributionEntry = z.output<typeof distributionSchema>;

/** The distributions, in the order of the schema's union. */
export const DISTRIBUTION_KINDS = Object.keys(DISTRIBUTIONS);
