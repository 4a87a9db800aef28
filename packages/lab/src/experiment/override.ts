/** Values that a flag or an environment variable puts over those of the file. */
import { resolve } from "node:path";
import { parse } from "yaml";
import { errorMessage, UsageError } from "../errors.js";
import type { ConfigPath } from "./document.js";
import { WORKLOAD_KINDS } from "./schema.js";

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
  const isCapture = path.join(".") === "workload.kvmTrace" && typeof value === "string" && value !== "";
  return { path, value: isCapture ? resolve(workingDirectory, value) : value, origin };
}

function parseSetValue(text: string, origin: string): unknown {
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

function setIn(root: Record<string, unknown>, path: ConfigPath, replacement: unknown, origin: string): void {
  let target = root;
  for (const step of path.slice(0, -1)) {
    const child = Object.hasOwn(target, step) ? target[step] : undefined;
    if (child !== undefined && !isRecord(child))
      throw new UsageError(`${origin}: "${step}" is not a group of settings`);
    const copy = { ...child };
    define(target, step, copy);
    target = copy;
  }
  const last = path.at(-1);
  if (last !== undefined) define(target, last, replacement);
}

/** Assigns an own property whatever its name, `__proto__` included. */
function define(target: Record<string, unknown>, key: string | number, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
