/** The folder that a study leaves: like that of a run, with a folder per cell and repetition in it. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Experiment } from "../experiment/schema.js";
import { linkLatest, makeRunFolder } from "../run/folder.js";
import { CELLS_DIR, SUMMARY_FILE } from "./files.js";
import { type StudySummary, studyVerdict } from "./summary.js";

/** Creates it, with the experiment and its matrix. Throws UsageError when it cannot be written. */
export async function createStudyFolder(
  runsDir: string,
  experiment: Experiment,
  seed: number,
  startedAt: string,
): Promise<string> {
  return await makeRunFolder(runsDir, experiment.name, seed, startedAt, async (path) => {
    await writeFile(join(path, "experiment.yaml"), stringify({ ...experiment, seed }));
  });
}

/** Where a run of the study has its folder, below the study's. */
export function repetitionFolder(cell: string, repetition: number): string {
  return join(CELLS_DIR, cell, `${repetition}`);
}

/** Adds what is known so far. */
export async function writeSummary(path: string, summary: StudySummary): Promise<void> {
  await writeFile(join(path, SUMMARY_FILE), `${compact(JSON.stringify(summary, null, 1))}\n`);
}

/** The study has ended: a page that says what lies here, and now it is what `latest` means. */
export async function concludeStudy(path: string, summary: StudySummary): Promise<void> {
  await writeFile(join(path, "README.md"), readmeOf(summary));
  await linkLatest({ path });
}

/** Lists of numbers on one line. */
function compact(json: string): string {
  return json.replace(/\[\s+([^[\]{}"]*?)\s+\]/g, (_, items: string) => `[${items.replace(/\s+/g, " ")}]`);
}

function readmeOf(summary: StudySummary): string {
  const { experiment, seed, axes, cells, missing, repetitions, startedAt, durationMs, again } = summary;
  const varied = axes.map(
    ({ path, values }) => `- \`${path}\`: ${values.map((value) => JSON.stringify(value)).join(", ")}`,
  );
  const absent =
    missing.length === 0 ? [] : ["", `**Not complete**: ${missing.length} runs are missing; summary.json lists them.`];
  return `${[
    `# ${experiment}, seed ${seed}: a study, ${studyVerdict(summary)}`,
    "",
    `${cells.length} cells, ${repetitions} repetitions, begun ${startedAt}, ${Math.round(durationMs / 1_000)} s long.`,
    ...(varied.length === 0 ? [] : ["", ...varied]),
    ...absent,
    "",
    "| file | what it is |",
    "| --- | --- |",
    "| report.html | the plots and tables; opens without a network |",
    `| ${SUMMARY_FILE} | every metric of every cell: all values, median, interval (${summary.schema}) |`,
    "| experiment.yaml | the experiment with its matrix, as it was resolved |",
    `| ${CELLS_DIR}/NAME/N/ | repetition N of a cell: an ordinary run's folder |`,
    "",
    `Again: \`${again}\``,
  ].join("\n")}\n`;
}
