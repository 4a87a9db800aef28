/** Measured delays: a text file with one duration per line. */
import { readFile } from "node:fs/promises";
import { UsageError, unreadable } from "../errors.js";
import { parseDurationNs } from "./units.js";

/** Nanoseconds, in ascending order, at least one. Throws UsageError with the line that is no duration, and UnavailableError. */
export async function readSamples(file: string): Promise<number[]> {
  const text = await readFile(file, "utf8").catch((thrown: unknown) => {
    throw unreadable(file, thrown);
  });
  return parseSamples(text, file);
}

/** As {@link readSamples}, for text at hand. */
export function parseSamples(text: string, file: string): number[] {
  const samples = text.split("\n").flatMap((line, index) => {
    const sample = line.replace(/#.*/, "").trim();
    if (sample === "") return [];
    const ns = sample.startsWith("-") ? undefined : parseDurationNs(sample);
    if (ns === undefined)
      throw new UsageError(`${file}:${index + 1}: "${sample}" is not a duration; write one per line, such as 250us`);
    return [ns];
  });
  if (samples.length === 0) throw new UsageError(`${file}: no durations; write one per line, such as 250us`);
  return samples.sort((left, right) => left - right);
}
