/**
 * The experiment file: the one place that says which keys exist, of which type, with which default and meaning. The types, the error messages,
 * `vmcslab schema` and the table in docs/experiments.md all come from here.
 */
import { CPU_MODELS } from "@vmcslab/vmx";
import { z } from "zod";
import { isGuestExitReasonName } from "../capture/exit-reasons.js";
import { faultSchema } from "./fault-schema.js";
import { matrixKeys } from "./matrix-schema.js";
import { CPUS_MAX, count, duration, extent, wholeNumber, withUnit } from "./schema-parts.js";
import { MIGRATION_RATE_PATTERN, parseDurationUs } from "./units.js";

const VCPUS_MAX = 1_024;

const migrationRate = z
  .string({ error: (issue) => withUnit(issue.input, "a rate", (value) => `${value}/s`) })
  .regex(MIGRATION_RATE_PATTERN, 'not a rate; write "200/s", "2k/s", "every 50 entries" or "never"');

const machine = z
  .strictObject({
    cpus: count(CPUS_MAX).default(4).describe("Logical processors of the host; each is one CPU service."),
    vcpus: count(VCPUS_MAX).default(4).describe("Virtual processors. A capture brings its own; this is then ignored."),
    poolSize: wholeNumber(0, 1_024).default(1).describe("vmcs02s that L0 keeps per vcpu; 0 behaves as 1."),
    cpuModel: z
      .enum(Object.keys(CPU_MODELS))
      .optional()
      .describe("Model of the processors, of `vmcslab models`. Default: the services' own."),
    lostCpu: z
      .enum(["wait", "fence", "kill"])
      .default("wait")
      .describe(
        "What L0 does about a CPU that falls silent. `wait`: as smp_call_function_single does, for ever. `fence`: once the CPU's lease has certainly ended, its VMCSs are rebuilt from L0's record. `kill`: the vcpus whose VMCSs were there end.",
      ),
    lease: duration
      .refine((text) => parseDurationUs(text) !== 0, { error: "must be longer than 0" })
      .default("5s")
      .describe("How long a CPU may use its VMCSs without hearing from L0. Only for `fence` and `kill`."),
    journal: z
      .enum(["file", "none"])
      .default("file")
      .describe(
        "What L0 goes on from when it is killed and started again: a journal in the run's folder, or `none`: it knows no vcpu any more. Of a host that runs already, that host decides.",
      ),
  })
  .describe("The host.");

const kvmTraceWorkload = z
  .strictObject({
    kvmTrace: z
      .string({ error: "must be the path of a capture" })
      .min(1, "must be the path of a capture")
      .describe("Capture to replay: what `perf script`, `trace-cmd report` or ftrace printed for kvm events."),
    timing: z
      .enum(["asap", "kept"])
      .default("asap")
      .describe(
        "`kept`: every operation no earlier than in the capture, after its first event. `asap`: one after the other.",
      ),
    repeat: count(1_000_000).default(1).describe("How often the capture is replayed, one repetition after the other."),
    placement: z
      .enum(["capture", "rotate"])
      .default("capture")
      .describe(
        "`capture`: on the CPUs of the capture. `rotate`: repetition n runs with every CPU number shifted by n, so that the experiment adds one migration per vcpu and repetition.",
      ),
  })
  .describe("Replays a capture.");

const roundRobin = z
  .strictObject({
    l2Guests: count(256).default(2).describe("L2 guests of each vcpu, entered in turn."),
    entriesPerTurn: count(1_000_000).default(1).describe("Entries of one L2 guest before the next has its turn."),
    entries: count(100_000_000)
      .optional()
      .describe("Nested entries in total. Exactly one of `entries` and `duration`."),
    duration: extent
      .optional()
      .describe(
        "How long L2 guests are entered. `faults`: until every fault has begun as often as it is to, and ended.",
      ),
    migrations: migrationRate
      .default("never")
      .describe("How often a vcpu moves to another CPU, over the whole host: `200/s`, `every 50 entries`, `never`."),
    exitReasons: z
      .array(
        z.string().refine(isGuestExitReasonName, {
          error: "not a reason for which a guest leaves, by KVM's name for it, such as CPUID",
        }),
      )
      .min(1)
      .default(["CPUID", "VMCALL", "MSR_WRITE", "HLT"])
      .describe("Why L2 leaves, drawn evenly."),
  })
  .refine((value) => (value.entries === undefined) !== (value.duration === undefined), {
    error: "needs exactly one of `entries` and `duration`",
  });

const roundRobinWorkload = z.strictObject({ roundRobin: roundRobin.describe("L2 guests entered in turn.") });

export const experimentSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, "must be lower-case letters, digits and dashes: it names a folder")
      .describe("Names the folder of its runs."),
    about: z.string().optional().describe("What the experiment is for."),
    seed: z
      .union([z.literal("auto"), z.int().min(0)], { error: 'must be "auto" or a whole number from 0' })
      .default("auto")
      .describe("Everything random is drawn from it. `auto` draws one and prints it."),
    machine: machine.prefault({}),
    workload: z
      .union([kvmTraceWorkload, roundRobinWorkload])
      .describe("What the host is made to do: one of the two kinds."),
    faults: z.array(faultSchema).default([]).describe("What is done to the host on purpose, as docs/faults.md has it."),
    thresholds: z
      .record(
        z.string(),
        z.string({ error: (issue) => withUnit(issue.input, "a threshold", (value) => `<= ${value}`) }),
      )
      .default({})
      .describe('What the result must meet, as `metric: "< value"`; otherwise exit 3.'),
    ...matrixKeys,
  })
  .describe("A vmcslab experiment.");

export type Experiment = z.output<typeof experimentSchema>;
export type KvmTraceWorkload = z.output<typeof kvmTraceWorkload>;
export type RoundRobinWorkload = z.output<typeof roundRobinWorkload>;

/** Which key tells the kinds of workload apart, in the order of the schema's union. */
export const WORKLOAD_KINDS = ["kvmTrace", "roundRobin"] as const;
