/**
 * The experiment file: the one place that says which keys exist, of which type, with which default and meaning. The types, the error messages,
 * `vmcslab schema` and the table in docs/experiments.md all come from here.
 */
import { CPU_MODELS } from "@vmcslab/vmx";
import { z } from "zod";
import { faultSchema } from "./fault-schema.js";
import { matrixKeys } from "./matrix-schema.js";
import { CPUS_MAX, count, duration, wholeNumber, withUnit } from "./schema-parts.js";
import { parseDurationUs } from "./units.js";
import { workloadSchema } from "./workload-schema.js";

const VCPUS_MAX = 1_024;

const machine = z
  .strictObject({
    cpus: count(CPUS_MAX).default(4).describe("Logical processors of the host; each is one CPU service."),
    vcpus: count(VCPUS_MAX).default(4).describe("Virtual processors. A capture brings its own; this is then ignored."),
    poolSize: wholeNumber(0, 1_024).default(1).describe("vmcs02s that L0 keeps per vcpu; 0 behaves as 1."),
    design: z
      .enum(["pool", "single"])
      .default("pool")
      .describe(
        "vmcs02s of a vcpu. `pool`: one per recently used vmcs12, at most `poolSize`. `single`: one, allocated at VMXON, as KVM has it today; `poolSize` says nothing then.",
      ),
    preparation: z
      .enum(["full", "incremental"])
      .default("full")
      .describe(
        "What L0 writes into a vmcs02 before it enters. `full`: every field. `incremental`: what differs from what it holds, if it last ran this vmcs12.",
      ),
    clearing: z
      .enum(["oneByOne", "perCpu", "atOnce"])
      .default("atOnce")
      .describe(
        "How several VMCSs are cleared, as when a vcpu is taken down. `oneByOne`: one cross-CPU clear each, one after the other. `perCpu`: one per CPU, one after the other. `atOnce`: one per CPU, at the same time.",
      ),
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
    workload: workloadSchema,
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
