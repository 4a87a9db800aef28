/** The distributions of a run, as files: for vmcslab's reports, and for HdrHistogram's own tools. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TimeHistogram } from "../measure/histogram.js";
import { LATENCY_FILE, type LatencyFile } from "../measure/latency-file.js";

/** Which distribution stands for the run in `hist.hgrm`: the first of these that was measured. */
const MAIN = ["load.response", "load.service", "crossCpuClear"] as const;

export async function writeLatencyFiles(
  folder: string,
  file: LatencyFile,
  histograms: ReadonlyMap<string, TimeHistogram>,
): Promise<void> {
  await writeFile(join(folder, LATENCY_FILE), `${JSON.stringify(file)}\n`);
  const main = mainOf(histograms);
  if (main === undefined) return;
  await writeFile(join(folder, "hist.hgrm"), main.toHgrm());
  const directory = join(folder, "hgrm");
  await mkdir(directory);
  for (const [name, histogram] of histograms) await writeFile(join(directory, `${name}.hgrm`), histogram.toHgrm());
}

/** Of runs without any of {@link MAIN}, what happened most often. */
function mainOf(histograms: ReadonlyMap<string, TimeHistogram>): TimeHistogram | undefined {
  for (const name of MAIN) {
    const histogram = histograms.get(name);
    if (histogram !== undefined) return histogram;
  }
  return [...histograms.values()].toSorted((left, right) => right.count - left.count)[0];
}
