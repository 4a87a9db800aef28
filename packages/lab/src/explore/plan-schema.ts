/** How a plan is written in a file: times with units, faults as in experiment files. */
import type { PlannedOperation } from "@vmcslab/sim";
import { z } from "zod";
import { CPUS_MAX, count, duration, wholeNumber } from "../experiment/schema-parts.js";
import { nanoseconds } from "../experiment/units.js";

export const PLAN_SCHEMA = "vmcslab.plan/v1";

const OPERATIONS_MAX = 10_000;
const NUMBER_MAX = 1_000;
const REASON_MAX = 0xffff;

const at = duration.describe("When a client asks for it.");
const vcpu = wholeNumber(0, NUMBER_MAX);
const cpu = wholeNumber(0, CPUS_MAX - 1);
/** The vmcs12 of guest n is at 0x3000 + n pages, and L1's memory has 16 pages. */
const guest = wholeNumber(0, 12);

const step = <K extends string, S extends z.ZodRawShape>(kind: K, shape: S) =>
  z.strictObject({ at, do: z.literal(kind), ...shape });

const operationSchema = z.discriminatedUnion("do", [
  step("create", { vcpu, cpu, poolSize: wholeNumber(0, 1_024) }),
  step("build", { vcpu, guest }),
  step("enter", { vcpu, guest }),
  step("exit", { vcpu, reason: wholeNumber(0, REASON_MAX) }),
  step("vmclear", { vcpu, guest }),
  step("vmxoff", { vcpu }),
  step("place", { vcpu, cpu }),
  step("destroy", { vcpu }),
  step("offline", { cpu }),
  step("online", { cpu }),
  step("crashClearAll", {}),
]);

const latencySchema = z.union([
  z.strictObject({ constant: duration }),
  z.strictObject({ uniform: z.strictObject({ min: duration, max: duration }) }),
  z.strictObject({ exponential: z.strictObject({ mean: duration }) }),
]);

export const planFileSchema = z.strictObject({
  schema: z.literal(PLAN_SCHEMA),
  mutant: z.string().nullable(),
  cpuModel: z.string(),
  rule: z.string(),
  message: z.string(),
  digest: z.string().regex(/^[0-9a-f]{16}$/, "must be sixteen hexadecimal digits"),
  plan: z.strictObject({
    seed: wholeNumber(0, Number.MAX_SAFE_INTEGER),
    cpus: count(CPUS_MAX),
    memoryPages: count(1_000_000),
    policy: z.enum(["wait", "fence", "kill"]),
    lease: duration,
    latency: latencySchema,
    inOrder: z.boolean(),
    // How long a record of L0's journal takes to be safe; absent: L0 keeps none.
    journal: duration.optional(),
    // How L0 is built; absent: as machine.design, machine.preparation and machine.clearing are by default.
    design: z
      .strictObject({
        vmcs02: z.enum(["pool", "single"]),
        preparation: z.enum(["full", "incremental"]),
        clearing: z.enum(["oneByOne", "perCpu", "atOnce"]),
      })
      .optional(),
    operations: z.array(operationSchema).max(OPERATIONS_MAX),
    // Checked as those of experiments are.
    faults: z.array(z.unknown()),
  }),
});

export type PlanDocument = z.output<typeof planFileSchema>;

/** As the explorer has it. */
export function operationOf(entry: z.output<typeof operationSchema>): PlannedOperation {
  const atNs = nanoseconds(entry.at);
  switch (entry.do) {
    case "create":
      return { kind: entry.do, vcpu: entry.vcpu, cpu: entry.cpu, poolSize: entry.poolSize, atNs };
    case "build":
    case "enter":
    case "vmclear":
      return { kind: entry.do, vcpu: entry.vcpu, guest: entry.guest, atNs };
    case "exit":
      return { kind: entry.do, vcpu: entry.vcpu, reason: entry.reason, atNs };
    case "vmxoff":
    case "destroy":
      return { kind: entry.do, vcpu: entry.vcpu, atNs };
    case "place":
      return { kind: entry.do, vcpu: entry.vcpu, cpu: entry.cpu, atNs };
    case "offline":
    case "online":
      return { kind: entry.do, cpu: entry.cpu, atNs };
    case "crashClearAll":
      return { kind: entry.do, atNs };
  }
}
