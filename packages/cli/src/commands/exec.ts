import type { Command } from "@commander-js/extra-typings";
import { exitCodes } from "../help/exit-codes.js";
import { addHelpSections } from "../help/sections.js";

export function addExecCommand(program: Command): void {
  const command = program
    .command("exec")
    .description("run a program of VMX instructions, JSON Lines, on processors that share memory; one result line each")
    .argument("[file]", "the program; - or nothing reads standard input", "-")
    .option("--traces <file>", "run recorded sequences instead, and compare with what was recorded")
    .option("--strict", "stop where the manual leaves the outcome undefined")
    .option("-j, --json", "with --traces: the report as one JSON document (results of a program always are JSON)")
    .action(async (file, flags) => {
      const { execCommand } = await import("./exec-action.js");
      process.exitCode = await execCommand(file, flags);
    });
  addHelpSections(command, {
    examples: [[`echo '{"cpu":0,"op":"vmptrst"}' | vmcslab exec`, `{"status":"exception","vector":6}`]],
    exitCodes: {
      "0": "the program was executed to its end, with --traces: every outcome is as it was recorded",
      "1": "with --strict: a rule of the manual was broken; with --traces: an outcome is not as it was recorded",
      ...exitCodes("64", "69", "70"),
    },
  });
}
