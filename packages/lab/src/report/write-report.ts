/** Writes report.html. */
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { errorMessage, UnavailableError } from "../errors.js";
import { type PageAssets, pageDocument } from "./page/document.js";
import type { Markup } from "./page/html.js";
import type { PageData } from "./page/plots.js";
import { runSection } from "./page/run-section.js";
import { cellSection, studySection } from "./page/study-section.js";
import { togetherSection } from "./page/together-section.js";
import { openSource, type ReportSource } from "./read/source.js";

export const REPORT_FILE = "report.html";

/** `out`: default is the source's folder, and where there are several, the current directory. Answers the path. */
export async function writeReport(sources: readonly ReportSource[], out?: string): Promise<string> {
  const [only, ...others] = sources;
  const folder = only !== undefined && others.length === 0 ? only.folder : ".";
  const file = resolve(out ?? join(folder, REPORT_FILE));
  const page = await reportPage(sources);
  try {
    await writeFile(file, page);
  } catch (thrown) {
    throw new UnavailableError(`${file}: the page cannot be written: ${errorMessage(thrown)}`);
  }
  return file;
}

/** As {@link writeReport}, of the run or study that has just ended in a folder. */
export async function writeReportOf(folder: string): Promise<void> {
  await writeReport([await openSource(folder)]);
}

export async function reportPage(sources: readonly ReportSource[]): Promise<string> {
  const data: PageData = { plots: {}, sweeps: {} };
  const sections: Markup[] = sources.length > 1 ? [await togetherSection(data, "together", sources)] : [];
  for (const [index, source] of sources.entries()) sections.push(await sectionOf(data, `s${index}`, source));
  return pageDocument(sources.map(titleOf).join(", "), sections, data, await readAssets());
}

async function sectionOf(data: PageData, name: string, source: ReportSource): Promise<Markup> {
  if (source.kind === "run") return await runSection(data, name, source.run);
  return source.kind === "cell" ? await cellSection(data, name, source) : await studySection(data, name, source);
}

function titleOf(source: ReportSource): string {
  if (source.kind === "cell") return source.name;
  return source.kind === "run" ? source.run.result.experiment : source.summary.experiment;
}

/** From the packages that hold them, as they are installed. */
async function readAssets(): Promise<PageAssets> {
  const require = createRequire(import.meta.url);
  const plots = dirname(require.resolve("uplot/package.json"));
  const web = dirname(require.resolve("@vmcslab/web/package.json"));
  const [plotScript, plotStyle, pageScript, pageStyle] = await Promise.all(
    [
      join(plots, "dist", "uPlot.iife.min.js"),
      join(plots, "dist", "uPlot.min.css"),
      join(web, "dist", "report.js"),
      join(web, "style", "report.css"),
    ].map((file) => readFile(file, "utf8")),
  );
  if (plotScript === undefined || plotStyle === undefined || pageScript === undefined || pageStyle === undefined)
    throw new Error("an asset of the page is missing");
  return { plotScript, plotStyle, pageScript, pageStyle };
}
