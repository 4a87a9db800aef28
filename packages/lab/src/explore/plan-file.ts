/** Plans as files: what a search found, to be run again, looked at and edited. */
import { readFile, writeFile } from "node:fs/promises";
import type { Plan } from "@vmcslab/sim";
import type { z } from "zod";
import { errorMessage, UsageError, unreadable } from "../errors.js";
import { readDistribution } from "../experiment/faults.js";
import { valueAt } from "../experiment/issues.js";
import { nanoseconds } from "../experiment/units.js";
import { didYouMean } from "../text/suggest.js";
import { delayEntry, durationText, faultEntry } from "./fault-entries.js";
import { operationOf, PLAN_SCHEMA, type PlanDocument, planFileSchema } from "./plan-schema.js";
import { areProblems, readPlanFaults } from "./read-faults.js";

/** A plan, and what came of it when it was written. */
export interface PlanFile {
  readonly plan: Plan;
  /** Name of the mutant; null: the true design. */
  readonly mutant: string | null;
  readonly cpuModel: string;
  readonly rule: string;
  readonly message: string;
  readonly digest: string;
}

const PROBLEMS_SHOWN_MAX = 5;

export async function writePlanFile(file: string, found: PlanFile): Promise<void> {
  try {
    await writeFile(file, planText(found));
  } catch (thrown) {
    throw new UsageError(`${file}: the plan cannot be written there: ${errorMessage(thrown)}`);
  }
}

/** What {@link writePlanFile} writes. */
export function planText({ plan, ...found }: PlanFile): string {
  const { leaseNs, journalNs, latency, operations, faults, ...rest } = plan;
  const document = {
    schema: PLAN_SCHEMA,
    ...found,
    plan: {
      ...rest,
      lease: durationText(leaseNs),
      ...(journalNs === undefined ? {} : { journal: durationText(journalNs) }),
      latency: delayEntry(latency),
      operations: operations.map(({ atNs, kind, ...operands }) => ({ at: durationText(atNs), do: kind, ...operands })),
      faults: faults.map(faultEntry),
    },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Reads and checks a plan file. Throws UsageError with every place that is wrong. */
export async function readPlanFile(file: string): Promise<PlanFile> {
  const text = await readFile(file, "utf8").catch((thrown: unknown) => {
    throw unreadable(file, thrown);
  });
  return await parsePlanFile(text, file);
}

/** As {@link readPlanFile}, for text at hand. */
export async function parsePlanFile(text: string, file: string): Promise<PlanFile> {
  const document = checked(parseJson(text, file), file);
  const { plan, schema: _, ...found } = document;
  const { lease, journal, latency, operations, faults: entries, design, ...rest } = plan;
  const faults = await readPlanFaults(entries, plan.cpus);
  const problems = [
    ...operations.flatMap((entry, index) =>
      "cpu" in entry && entry.cpu >= plan.cpus
        ? [{ path: ["operations", index, "cpu"], message: `there is no CPU ${entry.cpu}: plan.cpus is ${plan.cpus}` }]
        : [],
    ),
    ...(areProblems(faults) ? faults : []),
  ];
  if (problems.length > 0)
    throw wrong(
      file,
      problems.map(({ path, message }) => `plan.${path.join(".")}: ${message}`),
    );
  return {
    ...found,
    plan: {
      ...rest,
      leaseNs: nanoseconds(lease),
      ...(journal === undefined ? {} : { journalNs: nanoseconds(journal) }),
      ...(design === undefined ? {} : { design }),
      latency: await readDistribution(latency),
      operations: operations.map(operationOf).sort((a, b) => a.atNs - b.atNs),
      faults: areProblems(faults) ? [] : faults,
    },
  };
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new UsageError(`${file}: this is not JSON: ${errorMessage(thrown)}`);
  }
}

function checked(value: unknown, file: string): PlanDocument {
  const schema = valueAt(value, ["schema"]);
  if (schema !== PLAN_SCHEMA) {
    const found = typeof schema === "string" ? `its schema is "${schema}"` : "it has no schema";
    throw new UsageError(`${file}: this is not a plan of \`vmcslab explore\`: ${found}, not "${PLAN_SCHEMA}"`);
  }
  const parsed = planFileSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw wrong(
    file,
    parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${messageOf(issue, value)}`),
  );
}

function messageOf(issue: z.core.$ZodIssue, value: unknown): string {
  const found = valueAt(value, issue.path.map(String));
  switch (issue.code) {
    case "unrecognized_keys":
      return `unknown key ${issue.keys.map((key) => `"${key}"`).join(", ")}`;
    case "invalid_union": {
      const known = issue.discriminator === "do" ? OPERATIONS : [];
      const hint = typeof found === "string" ? didYouMean(found, known) : "";
      return known.length > 0
        ? `must be one of ${known.join(", ")}${hint}`
        : "must be constant, uniform or exponential";
    }
    case "invalid_type":
      return found === undefined ? "is missing" : issue.message;
    case "invalid_value":
      return `must be one of ${issue.values.join(", ")}`;
    default:
      return issue.message;
  }
}

const OPERATIONS: readonly string[] = [
  ...["create", "build", "enter", "exit", "place", "vmclear", "vmxoff", "destroy", "offline", "online"],
  "crashClearAll",
];

function wrong(file: string, problems: readonly string[]): UsageError {
  const hidden = problems.length - PROBLEMS_SHOWN_MAX;
  const shown = problems.slice(0, PROBLEMS_SHOWN_MAX).map((problem) => `${file}: ${problem}`);
  return new UsageError([...shown, ...(hidden > 0 ? [`and ${hidden} more`] : [])].join("\n"));
}
