/** What the host is made to do, as an experiment file has it. */
import { z } from "zod";
import { isGuestExitReasonName } from "../capture/exit-reasons.js";
import { WRITABLE_FIELDS } from "../workload/writable-fields.js";
import { CPUS_MAX, count, extent, wholeNumber, withUnit } from "./schema-parts.js";
import { MIGRATION_RATE_PATTERN, parseRate, RATE_PATTERN, WARMUP_PATTERN, WARMUP_UNITS_PATTERN } from "./units.js";

const L2_GUESTS_MAX = 256;
const UNITS_MAX = 100_000_000;

const migrationRate = z
  .string({ error: (issue) => withUnit(issue.input, "a rate", (value) => `${value}/s`) })
  .regex(MIGRATION_RATE_PATTERN, 'not a rate; write "200/s", "2k/s", "every 50 entries" or "never"');

const open = z
  .strictObject({
    rate: z
      .string({ error: (issue) => withUnit(issue.input, "a rate", (value) => `${value}/s`) })
      .regex(RATE_PATTERN, 'not a rate; write "200/s" or "2k/s"')
      .refine((text) => !RATE_PATTERN.test(text) || parseRate(text) !== undefined, { error: "must be more than 0" })
      .describe("Units of load that begin in a second, over the whole host, whatever became of the others."),
    arrivals: z
      .enum(["poisson", "constant"])
      .default("poisson")
      .describe("`poisson`: independent of each other, drawn from the seed. `constant`: at equal distances."),
  })
  .describe("Open model: units of load are due at instants of their own, and wait while no vcpu is free.");

const load = z
  .union([z.strictObject({ open }), z.literal("closed")])
  .default("closed")
  .describe("When a unit of load begins. `closed`: as soon as a vcpu has ended its last. Or `open`, at a rate.");

const warmup = z
  .string({ error: (issue) => withUnit(issue.input, "a warm-up", (value) => `${value} units`) })
  .regex(WARMUP_PATTERN, 'not a warm-up; write a duration, such as "2s", or "500 units"')
  .optional()
  .describe(
    "Comes before the rest, and is left out of every measure: a duration, or a number of units of load such as `500 units`.",
  );

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
    l2Guests: count(L2_GUESTS_MAX).default(2).describe("L2 guests of each vcpu, entered in turn."),
    entriesPerTurn: count(1_000_000).default(1).describe("Entries of one L2 guest before the next has its turn."),
    entries: count(UNITS_MAX).optional().describe("Nested entries in total. Exactly one of `entries` and `duration`."),
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
    warmup,
    load,
  })
  .refine((value) => (value.entries === undefined) !== (value.duration === undefined), {
    error: "needs exactly one of `entries` and `duration`",
  });

const roundRobinWorkload = z.strictObject({
  roundRobin: roundRobin.describe("L2 guests entered in turn. Unit of load: an entry with its exit."),
});

const migrate = z
  .strictObject({
    while: z
      .enum(["l2", "l1", "idle"])
      .default("l2")
      .describe(
        "What runs on the vcpu when it moves. `l2`, `l1`: its L2, its L1. `idle`: nothing, because another vcpu has run on its CPU since.",
      ),
    fieldsWritten: wholeNumber(0, WRITABLE_FIELDS.length)
      .default(0)
      .describe(
        "Guest-state fields that the guest changes between two moves, so that its VMCS is written back with about as many. 0: it does not run in between.",
      ),
    moves: count(UNITS_MAX).optional().describe("Moves in total. Exactly one of `moves` and `duration`."),
    duration: extent
      .optional()
      .describe("How long vcpus move. `faults`: until every fault has begun as often as it is to, and ended."),
    warmup,
    load,
  })
  .refine((value) => (value.moves === undefined) !== (value.duration === undefined), {
    error: "needs exactly one of `moves` and `duration`",
  });

const migrateWorkload = z.strictObject({
  migrate: migrate.describe("vcpus that move to another CPU, drawn evenly. Unit of load: one PlaceVcpu."),
});

const teardown = z.strictObject({
  l2Guests: count(L2_GUESTS_MAX)
    .default(4)
    .describe("L2 guests of each vcpu, each with a vmcs02 of its own: `machine.poolSize` must be as large."),
  spread: count(CPUS_MAX)
    .default(2)
    .describe("CPUs that the vmcs02s are spread over: L2 guest i runs on the i-th of them, modulo `spread`."),
  by: z
    .enum(["vmxoff", "destroy"])
    .default("vmxoff")
    .describe("What ends them. `vmxoff`: L1 executes VMXOFF. `destroy`: the vcpu is destroyed."),
  repeat: count(1_000_000).default(100).describe("How often, over all vcpus; each time everything is built anew."),
  warmup: z
    .string({ error: (issue) => withUnit(issue.input, "a warm-up", (value) => `${value} units`) })
    .regex(WARMUP_UNITS_PATTERN, 'not a warm-up of this workload; write a number of teardowns, such as "20 units"')
    .optional()
    .describe("Teardowns before that, left out of every measure, such as `20 units`."),
});

const teardownWorkload = z.strictObject({
  teardown: teardown.describe(
    "vcpus with VMCSs on several CPUs are taken down. Unit of load: one VMXOFF or DestroyVcpu.",
  ),
});

export const workloadSchema = z
  .union([kvmTraceWorkload, roundRobinWorkload, migrateWorkload, teardownWorkload])
  .describe("What the host is made to do: one of the four kinds.");

export type WorkloadEntry = z.output<typeof workloadSchema>;
export type KvmTraceWorkload = z.output<typeof kvmTraceWorkload>;
export type RoundRobinWorkload = z.output<typeof roundRobinWorkload>;
export type MigrateWorkload = z.output<typeof migrateWorkload>;
export type TeardownWorkload = z.output<typeof teardownWorkload>;
export type LoadEntry = z.output<typeof load>;

/** Which key tells the kinds of workload apart, in the order of the schema's union. */
export const WORKLOAD_KINDS = ["kvmTrace", "roundRobin", "migrate", "teardown"] as const;
