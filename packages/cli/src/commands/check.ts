import type { Command } from "@commander-js/extra-typings";
import { exitCodes } from "../help/exit-codes.js";
import { addHelpSections } from "../help/sections.js";

export interface CheckFlags {
  readonly json?: true;
  readonly events: string;
}

export function addCheckCommand(program: Command): void {
  const command = program
    .command("check")
    .description("check the events that a run recorded: which invariants hold, and what contradicts them")
    .argument("<run-or-dir>", "folder of a run, or a folder that trace wrote")
    .option("-j, --json", "print the result as one JSON document")
    .option("--events <n>", "events of the same VMCS shown before and after each that contradicts", "3")
    .action(async (folder, flags) => {
      const { checkCommand } = await import("./check-action.js");
      process.exitCode = await checkCommand(folder, flags);
    });
  addHelpSections(command, {
    examples: [
      ["vmcslab check runs/round-robin/latest", "the verdict once more, from the events alone"],
      ["vmcslab check runs/round-robin/latest --json | jq .violations", "each with the events around it"],
    ],
    environment: { NO_COLOR: "no colours" },
    exitCodes: {
      "0": "valid: no invariant is violated",
      "1": "invalid: an invariant is violated",
      "2": "unknown: evidence is missing",
      "64": "wrong usage: a flag, or a folder without a history or with a damaged one",
      ...exitCodes("69", "70"),
    },
  });
}
