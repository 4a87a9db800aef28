/** How what a fault does is written in an experiment file: a name, or a name with settings. */
import { ANY_CPU, DUPLICATE_COPIES, type FaultKind, REORDER_BY_NS } from "@vmcslab/faults";
import { z } from "zod";
import { distributionSchema } from "./delay-schema.js";
import { CPUS_MAX, count, duration, signedDuration, TIMES_MAX, wholeNumber } from "./schema-parts.js";

const PPM_MAX = 500_000;

const cpu = wholeNumber(0, CPUS_MAX - 1);
const anyCpu = z.union([cpu, z.literal(ANY_CPU)], { error: 'must be the number of a CPU, or "any"' });
const onAnyCpu = (about: string) =>
  z.strictObject({ cpu: anyCpu.describe("Number of the CPU; `any`: drawn each time it begins.") }).describe(about);
const onCpu = (about: string) => z.strictObject({ cpu: cpu.describe("Number of the CPU.") }).describe(about);

/** Actions that need no settings, so that their name is enough. */
export const BARE_ACTIONS = [
  "dropRequest",
  "dropReply",
  "duplicate",
  "reorder",
  "error",
  "crashL0",
  "stopBus",
] as const satisfies readonly FaultKind[];

/** Actions that take settings, in the order of the schema's union. */
export const ACTIONS_WITH_SETTINGS = [
  "delay",
  "duplicate",
  "reorder",
  "error",
  "stall",
  "partition",
  "crash",
  "clockSkew",
  "refuseAllocation",
  "offline",
  "online",
] as const satisfies readonly FaultKind[];

export const actionSchema = z.union([
  z.strictObject({ delay: distributionSchema.describe("How long: one of the distributions.") }),
  z.strictObject({
    duplicate: z
      .strictObject({ copies: count(1_000).default(DUPLICATE_COPIES).describe("How many more arrive.") })
      .describe("The message arrives several times."),
  }),
  z.strictObject({
    reorder: z
      .strictObject({ by: duration.default(`${REORDER_BY_NS / 1e6}ms`).describe("How long it is held.") })
      .describe("The message is overtaken."),
  }),
  z.strictObject({
    error: z
      .strictObject({
        definite: z
          .boolean({ error: "must be true or false" })
          .default(true)
          .describe("`true`: the sender knows that it was not sent. `false`: nobody knows."),
      })
      .describe("The sender gets an error."),
  }),
  z.strictObject({ stall: onAnyCpu("A CPU's process stands still.") }),
  z.strictObject({ partition: onAnyCpu("A CPU and L0 do not reach each other.") }),
  z.strictObject({
    crash: z
      .strictObject({
        cpu: anyCpu.describe("Number of the CPU; `any`: drawn each time it begins."),
        when: z
          .enum(["now", "beforeFlush", "afterFlush"])
          .default("now")
          .describe(
            "`beforeFlush`, `afterFlush`: at the next batch with a VMCLEAR for it, before or after it executes.",
          ),
      })
      .describe("A CPU's process dies."),
  }),
  z.strictObject({
    clockSkew: z
      .strictObject({
        clock: z
          .string({ error: 'must be "l0" or a CPU such as "cpu3"' })
          .regex(/^(?:l0|cpu\d{1,2})$/, 'must be "l0" or a CPU such as "cpu3"')
          .describe("Whose: `l0`, or `cpu3`."),
        ppm: wholeNumber(-PPM_MAX, PPM_MAX).default(0).describe("Parts per million that it runs too fast."),
        offset: signedDuration.default("0ms").describe("How far it jumps when the fault begins; `-5ms` is back."),
      })
      .describe("A clock is wrong."),
  }),
  z.strictObject({
    refuseAllocation: z
      .strictObject({
        what: z.enum(["node", "page"]).describe("A node of a vmcs02 pool, or a page for a VMCS or VMXON region."),
        times: count(TIMES_MAX).default(1).describe("How many fail."),
      })
      .describe("Memory runs out."),
  }),
  z.strictObject({ offline: onAnyCpu("A CPU is taken offline on request.") }),
  z.strictObject({ online: onCpu("An offline CPU is brought up again.") }),
  z.enum(BARE_ACTIONS),
]);

export type ActionEntry = z.output<typeof actionSchema>;
