/** `vmcslab report`: pages of runs and studies, and comparisons. */

import { UsageError } from "@vmcslab/lab/errors";
import { compareSources, openSource, writeReport } from "@vmcslab/lab/report";
import { hasColour } from "../output/terminal.js";
import { formatComparison } from "../report/compare.js";
import { formatSources } from "../report/sources.js";
import type { ReportFlags } from "./report.js";

export async function reportCommand(folders: readonly string[], flags: ReportFlags): Promise<number> {
  const colour = hasColour(process.stdout, process.env);
  if (flags.compare === true) return await compareCommand(folders, flags, colour);
  if (flags.json === true)
    throw new UsageError("--json goes with --compare: result.json and summary.json are what a report is made of");
  if (flags.metric.length > 0) throw new UsageError("--metric goes with --compare");
  const sources = await Promise.all(folders.map(openSource));
  const file = await writeReport(sources, flags.out);
  process.stdout.write(`${formatSources(sources, colour)}report: ${file}\n`);
  return 0;
}

async function compareCommand(folders: readonly string[], flags: ReportFlags, colour: boolean): Promise<number> {
  const [first, second, ...more] = folders;
  if (first === undefined || second === undefined || more.length > 0)
    throw new UsageError(`--compare takes two folders, A and B, not ${folders.length}`);
  if (flags.out !== undefined) throw new UsageError("--out goes with a page: leave out --compare");
  const document = await compareSources(await openSource(first), await openSource(second), flags.metric);
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify(document, null, 2)}\n`
      : formatComparison(document, { all: flags.metric.length > 0, colour }),
  );
  return 0;
}
