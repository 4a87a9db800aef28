/** The faults of a plan file, checked as those of an experiment are. */
import type { Fault } from "@vmcslab/faults";
import { z } from "zod";
import { faultProblems } from "../experiment/fault-problems.js";
import { faultSchema } from "../experiment/fault-schema.js";
import { readFaults } from "../experiment/faults.js";
import { type Problem, problemsOf, valueAt } from "../experiment/issues.js";
import { parseDurationNs } from "../experiment/units.js";

const faultsSchema = z.array(faultSchema);
const PLACEHOLDER = { constant: "0ms" };

/** The faults, or what is wrong with them; the paths begin with `faults`. */
export async function readPlanFaults(entries: readonly unknown[], cpus: number): Promise<Fault[] | Problem[]> {
  const samples = entries.map(inlineSamples);
  const problems = samples.flatMap((found, index): Problem[] =>
    found === "wrong"
      ? [{ path: ["faults", index, "do", "delay", "empirical"], message: 'must be durations such as "250us"' }]
      : [],
  );
  if (problems.length > 0) return problems;
  const faults = entries.map((entry, index) => (samples[index] === undefined ? entry : withPlaceholder(entry)));
  const parsed = faultsSchema.safeParse(faults);
  if (!parsed.success)
    return problemsOf(
      parsed.error.issues.map((issue) => ({ ...issue, path: ["faults", ...issue.path] })),
      { faults },
    );
  // The explorer also strikes the replies themselves.
  const found = faultProblems({ faults: parsed.data, machine: { cpus } }).filter(
    ({ path }) => path.at(-1) !== "method",
  );
  if (found.length > 0) return found;
  const read = await readFaults({ faults: parsed.data });
  return read.map((fault, index) => withSamples(fault, samples[index]));
}

export function areProblems(found: readonly Fault[] | readonly Problem[]): found is readonly Problem[] {
  return found.some((item) => "message" in item);
}

/** Measured delays that stand in the file, in ns and ascending. */
function inlineSamples(entry: unknown): readonly number[] | "wrong" | undefined {
  const list = valueAt(entry, ["do", "delay", "empirical"]);
  if (!Array.isArray(list)) return undefined;
  const samples = list.flatMap((text: unknown) => {
    const ns = typeof text === "string" ? parseDurationNs(text) : undefined;
    return ns === undefined || ns < 0 ? [] : [ns];
  });
  return samples.length === 0 || samples.length < list.length ? "wrong" : samples.sort((a, b) => a - b);
}

function withPlaceholder(entry: unknown): unknown {
  return typeof entry === "object" && entry !== null ? { ...entry, do: { delay: PLACEHOLDER } } : entry;
}

function withSamples(fault: Fault, samples: readonly number[] | "wrong" | undefined): Fault {
  if (fault.action.kind !== "delay" || samples === undefined || samples === "wrong") return fault;
  return { ...fault, match: fault.match ?? {}, action: { kind: "delay", delay: { empirical: samples } } };
}
