/** One fault as somebody types it: an entry of an experiment's `faults`, or a kind with its settings. */
import type { Fault } from "@vmcslab/faults";
import { UsageError } from "../errors.js";
import { Arguments } from "../scenario/arguments.js";
import { FAULT_TAKES, readFaultCommand } from "../scenario/read-fault.js";
import { parseConfigDocument } from "./document.js";
import { faultProblems } from "./fault-problems.js";
import { faultSchema } from "./fault-schema.js";
import { readFaults } from "./faults.js";
import { problemsOf } from "./issues.js";
import { CPUS_MAX } from "./schema-parts.js";

/**
 * `['{ do: { crash: { cpu: 3 } } }']`, or `['crash', 'cpu=3', 'when=afterFlush']`. From now on, unless it says when. Throws UsageError in the words of an experiment
 * file.
 */
export async function parseFault(words: readonly string[]): Promise<Fault> {
  const [first = "", ...others] = words;
  if (!first.trimStart().startsWith("{")) return await readFaultCommand(argumentsOf(first, others), CPUS_MAX);
  if (others.length > 0) throw new UsageError("one fault at a time: quote it, so that it is one argument");
  const { value, locate } = parseConfigDocument(first, "fault");
  const parsed = faultSchema.safeParse(value);
  const problems = parsed.success
    ? faultProblems({ faults: [parsed.data], machine: { cpus: CPUS_MAX } }).map((problem) => ({
        ...problem,
        path: problem.path.slice(2),
      }))
    : problemsOf(
        parsed.error.issues.map((issue) => ({ ...issue, path: ["faults", 0, ...issue.path] })),
        { faults: [value] },
      ).map((problem) => ({ ...problem, path: problem.path.slice(2) }));
  const lines = problems.map(({ path, message }) => {
    const place = locate(path);
    return `${place}: ${path.length === 0 ? "" : `${path.join(".")}: `}${message}`;
  });
  if (!parsed.success || lines.length > 0) throw new UsageError(lines.join("\n"));
  const [fault] = await readFaults({ faults: [parsed.data] });
  if (fault === undefined) throw new UsageError("no fault was given");
  return parsed.data.at === undefined && parsed.data.on === undefined ? { ...fault, at: undefined } : fault;
}

function argumentsOf(kind: string, others: readonly string[]): Arguments {
  const named = new Map<string, string>();
  for (const word of others) {
    const at = word.indexOf("=");
    if (at < 1) throw new UsageError(`"${word}" is not key=value; the keys are ${keys()}`);
    named.set(word.slice(0, at), word.slice(at + 1));
  }
  const known = FAULT_TAKES.map((key) => key.replace("?", ""));
  return new Arguments({ name: "fault", words: [kind], named }, known);
}

function keys(): string {
  return FAULT_TAKES.map((key) => key.replace("?", "")).join(", ");
}
