/** From what the schema found to what the author reads: file, line and column, what is wrong, and what was probably meant. */
import type { z } from "zod";
import { didYouMean } from "../text/suggest.js";
import { type Choice, choiceAt, namesOf } from "./choices.js";
import type { ConfigPath } from "./document.js";
import { keysAt } from "./schema-keys.js";

type Issue = z.core.$ZodIssue;

export interface Problem {
  readonly path: ConfigPath;
  readonly message: string;
}

/** The problems of a value that the schema refused, in the order of the schema. */
export function problemsOf(issues: readonly Issue[], value: unknown): Problem[] {
  return issues.flatMap((issue) => problemsOfIssue(issue, [], value));
}

function problemsOfIssue(issue: Issue, base: ConfigPath, value: unknown): Problem[] {
  const path = [...base, ...issue.path.map(stepOf)];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey([...path, key], key, keysAt(path, value)));
    case "invalid_union":
      return problemsOfUnion(issue.errors, path, value) ?? [{ path, message: issue.message }];
    case "invalid_type":
      return [{ path, message: typeMessage(issue, valueAt(value, path)) }];
    case "invalid_value":
      return [{ path, message: choiceMessage(issue.values.map(String), valueAt(value, path)) }];
    default:
      return [{ path, message: lowerFirst(issue.message) }];
  }
}

/** A choice by key is judged as what it names. */
function problemsOfUnion(
  branches: readonly (readonly Issue[])[],
  path: ConfigPath,
  value: unknown,
): Problem[] | undefined {
  const choice = choiceAt(path);
  if (choice === undefined) return undefined;
  const found = valueAt(value, path);
  if (typeof found === "string" && choice.bare.length > 0) return [{ path, message: bareMessage(choice, found) }];
  const keys = typeof found === "object" && found !== null ? Object.keys(found) : [];
  const given = choice.kinds.filter((name) => keys.includes(name));
  if (given.length > 1)
    return [{ path, message: `exactly one ${choice.what} may be given, not both ${given.join(" and ")}` }];
  const kind = choice.kinds.findIndex((name) => keys.includes(name));
  const branch = branches[kind];
  if (branch !== undefined) return branch.flatMap((issue) => problemsOfIssue(issue, path, value));
  const all = namesOf(choice);
  const [unknown] = keys;
  if (unknown !== undefined && choice.bare.includes(unknown))
    return [{ path, message: `${unknown} takes no settings: write the name alone` }];
  if (unknown !== undefined) return [unknownKey([...path, unknown], unknown, all)];
  return [{ path, message: `needs one of ${all.join(", ")}` }];
}

function bareMessage(choice: Choice, found: string): string {
  if (choice.kinds.includes(found)) return `${found} needs settings: write { ${found}: … }`;
  return choiceMessage(namesOf(choice), found);
}

function unknownKey(path: ConfigPath, key: string, known: readonly string[]): Problem {
  const hint = didYouMean(key, known) || `; known here: ${known.join(", ")}`;
  return { path, message: `unknown key "${key}"${hint}` };
}

function typeMessage(issue: Issue & { expected: string }, found: unknown): string {
  if (found === undefined) return "is missing";
  return issue.message.startsWith("Invalid input")
    ? `must be ${article(issue.expected)}, not ${describe(found)}`
    : issue.message;
}

function choiceMessage(choices: readonly string[], found: unknown): string {
  return `must be one of ${choices.join(", ")}, not ${describe(found)}${typeof found === "string" ? didYouMean(found, choices) : ""}`;
}

function describe(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "a group of settings" : JSON.stringify(value);
}

function article(expected: string): string {
  if (expected === "object" || expected === "record") return "a group of settings";
  return `${/^[aeiou]/.test(expected) ? "an" : "a"} ${expected}`;
}

export function valueAt(value: unknown, path: ConfigPath): unknown {
  let current = value;
  for (const step of path) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, step)) return undefined;
    current = Object.getOwnPropertyDescriptor(current, step)?.value;
  }
  return current;
}

function stepOf(step: PropertyKey): string | number {
  return typeof step === "symbol" ? String(step) : step;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
