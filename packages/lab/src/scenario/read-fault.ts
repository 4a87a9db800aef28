import { FAULT_ACTIONS, type Fault, type FaultKind } from "@vmcslab/faults";
import { UsageError } from "../errors.js";
import { faultProblems } from "../experiment/fault-problems.js";
import { faultSchema } from "../experiment/fault-schema.js";
import { readFaults } from "../experiment/faults.js";
import { problemsOf } from "../experiment/issues.js";
import { didYouMean } from "../text/suggest.js";
import type { Arguments } from "./arguments.js";

const MATCH_KEYS = ["from", "to", "method", "nth", "every", "probability"];
const SETTING_KEYS = ["cpu", "when", "clock", "ppm", "offset", "what", "times", "copies", "by", "definite"];

export const FAULT_TAKES: readonly string[] = [
  ...["name?", "at?", "on?", "skipped?", "for?"],
  ...[...MATCH_KEYS, ...SETTING_KEYS].map((key) => `${key}?`),
];

/** The fault of `fault KIND key=value…`: the words are those of an experiment file, and so is what is said about them. */
export async function readFaultCommand(given: Arguments, cpus: number): Promise<Fault> {
  const kind = given.word(0, "a kind of fault");
  if (!isKind(kind)) throw new UsageError(`no fault "${kind}"${didYouMean(kind, Object.keys(FAULT_ACTIONS))}`);
  const entry = entryOf(kind, given);
  const parsed = faultSchema.safeParse(entry);
  const problems = parsed.success
    ? faultProblems({ faults: [parsed.data], machine: { cpus } })
    : problemsOf(
        parsed.error.issues.map((issue) => ({ ...issue, path: ["faults", 0, ...issue.path] })),
        { faults: [entry] },
      );
  const [problem] = problems;
  if (problem !== undefined) {
    const place = problem.path.slice(2).join(".");
    throw new UsageError(`fault ${kind}: ${place === "" ? "" : `${place}: `}${problem.message}`);
  }
  const [fault] = parsed.success ? await readFaults({ faults: [parsed.data] }) : [];
  if (fault === undefined) throw new UsageError(`fault ${kind}: cannot be read`);
  // From now on, which is no time of its own.
  return given.has("at") || given.has("on") ? fault : { ...fault, at: undefined };
}

function entryOf(kind: FaultKind, given: Arguments): unknown {
  const settings = pick(given, SETTING_KEYS);
  const isDelay = kind === "delay";
  const action = isDelay ? { delay: { constant: given.text("by") } } : { [kind]: settings };
  const isBare = !isDelay && Object.keys(settings).length === 0;
  const match = pick(given, MATCH_KEYS);
  const isOnMessages = FAULT_ACTIONS[kind].strikes === "messages";
  return {
    ...pick(given, ["name", "at", "for"]),
    ...(given.has("on") ? { on: { event: given.text("on"), nth: given.number("skipped", 0) + 1 } } : {}),
    ...(isOnMessages || Object.keys(match).length > 0 ? { match } : {}),
    do: isBare ? kind : action,
  };
}

function pick(given: Arguments, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.flatMap((key) => (given.has(key) ? [[key, scalar(given.text(key))]] : [])));
}

function scalar(text: string): string | number | boolean {
  if (text === "true" || text === "false") return text === "true";
  return /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text;
}

function isKind(name: string): name is FaultKind {
  return Object.hasOwn(FAULT_ACTIONS, name);
}
