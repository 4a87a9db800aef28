import type { Command } from "@commander-js/extra-typings";
import { exitCodes } from "../help/exit-codes.js";
import { addHelpSections } from "../help/sections.js";

export function addComposeCommand(program: Command): void {
  const command = program
    .command("compose")
    .description("print docker-compose.yml for another number of CPUs")
    .option("--cpus <n>", "how many CPUs", "4")
    .action(async (flags) => {
      const { composeCommand } = await import("./compose-action.js");
      await composeCommand(flags);
    });
  addHelpSections(command, {
    examples: [
      ["vmcslab compose --cpus 16 > compose-16.yml", "then, in the folder of docker-compose.yml:"],
      ["docker compose -f compose-16.yml up --wait", ""],
    ],
    exitCodes: exitCodes("0", "64"),
  });
}
