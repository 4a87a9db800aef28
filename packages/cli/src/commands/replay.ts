import type { Command } from "@commander-js/extra-typings";
import { exitCodes } from "../help/exit-codes.js";
import { addHelpSections } from "../help/sections.js";

export interface ReplayFlags {
  readonly until?: string;
  readonly step?: true;
  readonly json?: true;
}

export function addReplayCommand(program: Command): void {
  const command = program
    .command("replay")
    .description("run a plan that explore wrote again, with the state of every CPU and pool after each operation")
    .argument("<plan>", "file that explore wrote, or an edited one (docs/explore.md)")
    .option("--until <op=N>", "stop when the N-th operation has ended")
    .option("--step", "wait for Enter after each operation, on a terminal")
    .option("-j, --json", "print the result as one JSON document")
    .action(async (file, flags) => {
      const { replayCommand } = await import("./replay-action.js");
      process.exitCode = await replayCommand(file, flags);
    });
  addHelpSections(command, {
    examples: [
      ["vmcslab replay explore-clear-skipped-1.json", "the same violation, the same digest"],
      ["vmcslab replay explore-clear-skipped-1.json --until op=3", "the host when operation 3 has ended"],
    ],
    environment: { NO_COLOR: "no colours" },
    exitCodes: {
      "0": "no rule is violated",
      "1": "a rule is violated",
      "64": "wrong usage: a flag, or a file that is no plan or a damaged one",
      ...exitCodes("69", "70"),
    },
  });
}
