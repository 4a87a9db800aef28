import type { Command } from "@commander-js/extra-typings";
import { exitCodes } from "../help/exit-codes.js";
import { addHelpSections } from "../help/sections.js";

export interface ReportFlags {
  readonly compare?: true;
  readonly metric: readonly string[];
  readonly out?: string;
  readonly json?: true;
}

export function addReportCommand(program: Command): void {
  const command = program
    .command("report")
    .description("write report.html of runs and studies and print what they came to; or compare two of them")
    .argument("<run...>", "folder of a run, a study, a cell of a study, or of an experiment's runs (its latest)")
    .option("--compare", "compare two: every number of the first, A, with that of the second, B")
    .option("--metric <path>", "with --compare: only numbers whose path begins so; can be repeated", append, [])
    .option("-o, --out <file>", "where to write the page (default: report.html in the folder; of several, here)")
    .option("-j, --json", "with --compare: print the comparison as one JSON document")
    .action(async (folders, flags) => {
      const { reportCommand } = await import("./report-action.js");
      process.exitCode = await reportCommand(folders, flags);
    });
  addHelpSections(command, {
    examples: [
      ["vmcslab report runs/round-robin/latest", "writes report.html there"],
      ["vmcslab report --compare runs/sweep/latest/cells/design=pool runs/sweep/latest/cells/design=single", ""],
      [
        "vmcslab report --compare OLD NEW --metric crossCpuClear --json | jq .comparisons",
        "two runs of one experiment",
      ],
    ],
    environment: { NO_COLOR: "no colours" },
    exitCodes: {
      "0": "the page is written, or the comparison printed, whatever it says",
      "64": "wrong usage: a flag, or a folder without a result or with a damaged one",
      ...exitCodes("69", "70"),
    },
  });
}

function append(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
