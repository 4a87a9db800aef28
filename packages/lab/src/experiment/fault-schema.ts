/**
 * The `faults` of an experiment file. What a fault means is said in `@vmcslab/faults`; this is how it is written. `fault-problems.ts` checks what one value cannot say
 * of itself, and `faults.ts` makes Fault[] of it.
 */
import { METHODS } from "@vmcslab/faults";
import { z } from "zod";
import { actionSchema } from "./action-schema.js";
import { distributionSchema } from "./delay-schema.js";
import { count, duration, lease, TIMES_MAX } from "./schema-parts.js";

const party = z
  .string({ error: 'must be "l0", "cpu" (any of them) or a CPU such as "cpu3"' })
  .regex(/^(?:l0|cpu(?:0|[1-9]\d?)?)$/, 'must be "l0", "cpu" (any of them) or a CPU such as "cpu3"');

const probabilityMessage = "must be a number from 0 to 1";

const matchSchema = z.strictObject({
  from: party.optional().describe("Who sends: `l0`, `cpu` (any of them), `cpu3`."),
  to: party.optional().describe("Who receives, in the same words."),
  method: z
    .enum(Object.keys(METHODS))
    .optional()
    .describe("A kind of message, or an instruction that a batch contains."),
  nth: count(TIMES_MAX).optional().describe("Only the n-th of these messages."),
  every: count(TIMES_MAX).optional().describe("Only every n-th."),
  probability: z
    .number({ error: probabilityMessage })
    .min(0, { error: probabilityMessage })
    .max(1, { error: probabilityMessage })
    .optional()
    .describe("How likely each is struck. With 0 the fault is not there at all."),
});

export const faultSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, "must be lower-case letters, digits and dashes")
    .optional()
    .describe("What events and reports call it. Its randomness belongs to its name, so it may move in the list."),
  at: duration.optional().describe("When it begins, after the workload's start. Default: at the start."),
  on: z
    .strictObject({
      event: z.string().describe("An event kind of docs/events.md."),
      nth: count(TIMES_MAX).default(1).describe("Which of these events."),
    })
    .optional()
    .describe("It begins at an event instead."),
  for: lease.optional().describe("How long it lasts; `forever`: until the workload ends. Default: see docs/faults.md."),
  repeat: z
    .strictObject({
      times: count(TIMES_MAX).describe("How often it begins, the first time included."),
      every: distributionSchema.describe("How long after each end it begins again: one of the distributions."),
    })
    .optional()
    .describe("It begins again when it has ended."),
  match: matchSchema
    .optional()
    .describe("Which messages it strikes; `{}` is all. Only, and always, for what is done to messages."),
  do: actionSchema.describe("What it does: a name, or a name with settings."),
});

export type FaultEntry = z.output<typeof faultSchema>;
