/** Files of a run's folder, with what is wrong with them in words for whoever named the folder. */
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import type { z } from "zod";
import { errorMessage, systemErrorCode, UsageError, unreadable } from "../../errors.js";

/** Undefined: there is no such file. Throws UsageError for one that is damaged. */
export async function readJson<S extends z.ZodType>(file: string, schema: S): Promise<z.output<S> | undefined> {
  const text = await readIfThere(file);
  if (text === undefined) return undefined;
  const value = parsed(file, text);
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new UsageError(
    `${file}: not what this version writes: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`,
  );
}

/** The settings of `experiment.yaml` by dotted path, the seed aside; empty where there is none. */
export async function readSettings(file: string): Promise<Map<string, string>> {
  const text = await readIfThere(file);
  if (text === undefined) return new Map();
  const settings = new Map<string, string>();
  try {
    collect(parse(text, { version: "1.2" }), "", settings);
  } catch (thrown) {
    throw new UsageError(`${file}: not YAML: ${errorMessage(thrown).split("\n", 1)[0]}`);
  }
  settings.delete("seed");
  return settings;
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (thrown) {
    if (systemErrorCode(thrown) === "ENOENT" || systemErrorCode(thrown) === "ENOTDIR") return undefined;
    throw unreadable(file, thrown);
  }
}

function parsed(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new UsageError(`${file}: damaged: ${errorMessage(thrown)}`);
  }
}

function collect(value: unknown, path: string, into: Map<string, string>): void {
  if (typeof value !== "object" || value === null || Array.isArray(value) || path === "matrix") {
    if (path !== "") into.set(path, JSON.stringify(value));
    return;
  }
  for (const [key, child] of Object.entries(value)) collect(child, path === "" ? key : `${path}.${key}`, into);
}
