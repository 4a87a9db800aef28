import type { Command } from "@commander-js/extra-typings";
import { exitCodes } from "../help/exit-codes.js";
import { addHelpSections } from "../help/sections.js";

export function addScenarioCommand(program: Command): void {
  const command = program
    .command("scenario")
    .description("run golden scenarios: commands and the output they must have, on L0 with simulated CPUs")
    .argument("<file...>", "scenario files (docs/scenarios.md)")
    .option("--rewrite", "write what was printed into the files; read the difference before you commit it")
    .action(async (files, { rewrite }) => {
      const { scenarioCommand } = await import("./scenario-action.js");
      process.exitCode = await scenarioCommand(files, rewrite === true);
    });
  addHelpSections(command, {
    examples: [["vmcslab scenario test/scenarios/place.txt", ""]],
    exitCodes: {
      "0": "everything was printed as it is written (or, with --rewrite, written), and no invariant was violated",
      "1": "something else was printed, or a scenario's history violates an invariant",
      "64": "wrong usage: a flag, or a file that is no scenario",
      "69": "a file may not be read",
      ...exitCodes("70"),
    },
  });
}
