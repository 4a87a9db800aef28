/** Every setting of an experiment with where it comes from, for `run --print-config`. */
import type { ConfigPath } from "./document.js";
import type { LoadedExperiment } from "./load.js";

export interface Setting {
  readonly path: string;
  readonly value: unknown;
  readonly origin: string;
}

export function settingsOf(loaded: LoadedExperiment): Setting[] {
  return leaves(loaded.experiment, []).map(([path, value]) => ({
    path: path.join("."),
    value,
    origin: loaded.originOf(path),
  }));
}

function leaves(value: unknown, path: ConfigPath): [ConfigPath, unknown][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [[path, value]];
  return Object.entries(value).flatMap(([key, child]) => leaves(child, [...path, key]));
}
