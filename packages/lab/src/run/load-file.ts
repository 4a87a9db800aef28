/** `load.csv` of a run's folder: when each unit of an open load was due, begun and done. */
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { UnitTimes } from "../measure/unit-times.js";

export const LOAD_FILE = "load.csv";

const HEAD = "phase,intended_us,sent_us,done_us\n";

export async function writeLoadFile(folder: string, units: Iterable<UnitTimes>): Promise<void> {
  await pipeline(Readable.from(lines(units)), createWriteStream(join(folder, LOAD_FILE)));
}

function* lines(units: Iterable<UnitTimes>): Generator<string> {
  yield HEAD;
  for (const { isWarmup, intendedNs, sentNs, doneNs } of units)
    yield `${isWarmup ? "warmup" : "measured"},${microseconds(intendedNs)},${microseconds(sentNs)},${microseconds(doneNs)}\n`;
}

/** Nothing for what did not happen. */
function microseconds(ns: number | undefined): string {
  return ns === undefined ? "" : (ns / 1_000).toFixed(3);
}
