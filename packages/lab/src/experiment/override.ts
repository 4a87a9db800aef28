/** Values that a flag or an environment variable puts over those of the file. */
import { resolve } from "node:path";
import { parse } from "yaml";
import { errorMessage, UsageError } from "../errors.js";
import type { ConfigPath } from "./document.js";
import { WORKLOAD_KINDS } from "./workload-schema.js";
import { checkIsTree, checkYamlBounds } from "./yaml-bounds.js";

export interface Override {
  readonly path: ConfigPath;
  readonly value: unknown;
  /** Where it comes from, as the user typed it: `--set machine.cpus=8`, `VMCSLAB_SEED`. */
  readonly origin: string;
}

/**
 * One `--set a.b=value`: a dotted path, and its value in YAML. A path to a file is meant from the current directory, unlike in the file,
 * so it is made absolute here.
 */
export function parseSetFlag(text: string, workingDirectory: string): Override {
  const origin = `--set ${text}`;
  const at = text.indexOf("=");
  const path = text.slice(0, Math.max(at, 0)).split(".");
  if (at < 0 || path.some((step) => step === "")) throw new UsageError(`${origin}: write it as --set a.b=value`);
  const value = parseSetValue(text.slice(at + 1), origin);
  checkIsTree(value, origin);
  const isCapture = path.join(".") === "workload.kvmTrace" && typeof value === "string" && value !== "";
  return { path, value: isCapture ? resolve(workingDirectory, value) : value, origin };
}

function parseSetValue(text: string, origin: string): unknown {
  checkYamlBounds(text, origin);
  try {
    return parse(text, { version: "1.2" });
  } catch (thrown) {
    throw new UsageError(`${origin}: not a YAML value: ${errorMessage(thrown).split("\n", 1)[0]}`);
  }
}

/** The value with the overrides put over it, in order. Nothing given is changed. */
export function applyOverrides(value: unknown, overrides: readonly Override[]): unknown {
  return overrides.reduce((current, override) => applyOverride(current, override), value);
}

function applyOverride(value: unknown, { path, value: replacement, origin }: Override): unknown {
  const root = isRecord(value) ? { ...value } : {};
  const kind = WORKLOAD_KINDS.find((key) => path[0] === "workload" && path[1] === key);
  if (kind !== undefined && !hasWorkload(root, kind)) root.workload = {}; // another kind of workload replaces the file's as a whole
  setIn(root, path, replacement, origin);
  return root;
}

function hasWorkload(root: Record<string, unknown>, kind: string): boolean {
  return isRecord(root.workload) && kind in root.workload;
}

/** Groups whose keys are dotted paths themselves: what stands behind them in a path is one key. */
const KEYED_BY_PATH = ["matrix", "thresholds"] as const;

/** A list's entries are reached by number, or by their `name`: in `faults.lost-acks.for` it becomes a number. Throws UsageError when the list has no such entry. */
export function resolveOverride(value: unknown, override: Override): Override {
  const [group, ...steps] = override.path;
  if (KEYED_BY_PATH.some((key) => key === group) && steps.length > 1)
    return { ...override, path: [`${group}`, steps.join(".")] };
  let at = value;
  const path = override.path.map((step) => {
    const key = Array.isArray(at) ? entryOf(at, step, override) : step;
    at = childOf(at, key);
    return key;
  });
  return { ...override, path };
}

function entryOf(list: readonly unknown[], step: string | number, { path, origin }: Override): number {
  const byName = list.findIndex((entry) => isRecord(entry) && entry.name === step);
  const index = byName === -1 && /^\d+$/.test(`${step}`) ? Number(step) : byName;
  if (index >= 0 && index < list.length) return index;
  const names = list.flatMap((entry) => (isRecord(entry) && typeof entry.name === "string" ? [entry.name] : []));
  const entries = list.length === 0 ? "it has no entries" : `they are 0 to ${list.length - 1}`;
  const named = names.length === 0 ? "" : `, or ${names.join(", ")}`;
  throw new UsageError(`${origin}: ${path[0]} has no entry "${step}": ${entries}${named}`);
}

function childOf(value: unknown, key: string | number): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, key)?.value;
}

function setIn(root: Record<string, unknown>, path: ConfigPath, replacement: unknown, origin: string): void {
  let target: object = root;
  for (const step of path.slice(0, -1)) {
    const child = childOf(target, step);
    if (child !== undefined && !isRecord(child) && !Array.isArray(child))
      throw new UsageError(`${origin}: "${step}" is not a group of settings`);
    const copy = Array.isArray(child) ? [...child] : { ...child };
    define(target, step, copy);
    target = copy;
  }
  const last = path.at(-1);
  if (last !== undefined) define(target, last, replacement);
}

/** Assigns an own property whatever its name, `__proto__` included. */
function define(target: object, key: string | number, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
