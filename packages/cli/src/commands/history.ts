import type { Command } from "@commander-js/extra-typings";
import { exitCodes } from "../help/exit-codes.js";
import { addHelpSections } from "../help/sections.js";

export interface HistoryFlags {
  readonly kind: readonly string[];
  readonly cpu?: string;
  readonly vmcs?: string;
  readonly ndjson?: true;
}

export function addHistoryCommand(program: Command): void {
  const command = program
    .command("history")
    .description("print the events that a run recorded, causes before their effects, a line each")
    .argument("<run-or-dir>", "folder of a run, or a folder that trace wrote")
    .option("--kind <kind>", "only events of this kind (docs/events.md); can be repeated", append, [])
    .option("--cpu <n>", "only events of or about this CPU")
    .option("--vmcs <n>", "only events of or about the VMCS with this identity, those of CPUs included")
    .option("--ndjson", "a JSON object per line, with everything an event has")
    .action(async (folder, flags) => {
      const { historyCommand } = await import("./history-action.js");
      process.exitCode = await historyCommand(folder, flags);
    });
  addHelpSections(command, {
    examples: [
      ["vmcslab history runs/round-robin/latest --vmcs 2", "the life of a VMCS"],
      ["vmcslab history runs/round-robin/latest --kind ipi.sent --ndjson | jq .to", "which CPUs were interrupted"],
    ],
    exitCodes: {
      "0": "printed",
      "2": "a file ends inside an event, as after a crash of trace; what is whole was printed",
      "64": "wrong usage: a flag, or a folder without a history",
      ...exitCodes("69", "70"),
    },
  });
}

function append(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
