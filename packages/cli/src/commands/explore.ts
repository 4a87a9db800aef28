import type { Command } from "@commander-js/extra-typings";
import { exitCodes } from "../help/exit-codes.js";
import { addHelpSections } from "../help/sections.js";

export interface ExploreFlags {
  readonly seeds?: string;
  readonly from: string;
  readonly jobs?: string;
  readonly time?: string;
  readonly mutant?: string;
  readonly listMutants?: true;
  readonly keepGoing?: true;
  readonly out: string;
  readonly json?: true;
  readonly quiet?: true;
}

export function addExploreCommand(program: Command): void {
  const command = program
    .command("explore")
    .description("search simulated hosts for a run that violates a rule, and shrink it to the few steps that matter")
    .argument("[experiment]", "experiment file: what it says of the machine and of faults is the same in every run")
    .option("--seeds <n>", "how many runs (default: 1000, or with --time as many as there is time for)")
    .option("--from <seed>", "the first seed", "1")
    .option("--jobs <n>", "threads (default: one per CPU); the result does not depend on it")
    .option("--time <duration>", "begin no run after this time, such as 30s or 10m")
    .option("--mutant <name>", "make a known mistake on purpose, which the search should find")
    .option("--list-mutants", "list the mistakes that can be made, and do not search")
    .option("--keep-going", "do not stop at the first violation")
    .option("--out <dir>", "folder for the plans of violations", ".")
    .option("-j, --json", "print the result as one JSON document")
    .option("-q, --quiet", "no progress and no notes")
    .action(async (experiment, flags) => {
      const { exploreCommand } = await import("./explore-action.js");
      process.exitCode = await exploreCommand(experiment, flags);
    });
  addHelpSections(command, {
    examples: [
      ["vmcslab explore --time 10m", "the design as it is"],
      ["vmcslab explore --mutant clear-skipped", "a mistake: found, shrunk, drawn"],
      ["vmcslab explore experiments/my-host.yaml --seeds 100000 --json", ""],
    ],
    environment: { NO_COLOR: "no colours", CI: "no line that is overwritten" },
    exitCodes: {
      "0": "no run violates a rule",
      "1": "a run violates a rule",
      "64": "wrong usage: a flag, an experiment, or a folder that cannot be written to",
      ...exitCodes("69", "70"),
      "130": "ended by SIGINT; what was found until then is printed",
      "143": "ended by SIGTERM; what was found until then is printed",
    },
  });
}
