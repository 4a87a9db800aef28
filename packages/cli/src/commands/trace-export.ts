import { type Command, Option } from "@commander-js/extra-typings";
import { exitCodes } from "../help/exit-codes.js";
import { addHelpSections } from "../help/sections.js";

export interface TraceExportFlags {
  readonly format: "chrome" | "ndjson" | "text";
  readonly from?: string;
  readonly to?: string;
  readonly cpu?: string;
  readonly out?: string;
}

export function addTraceExportCommand(trace: Command): void {
  const command = trace
    .command("export")
    .description("write the recorded events of a run for other tools (docs/exports.md)")
    .argument("<run-or-dir>", "folder of a run, or a folder that trace wrote")
    .addOption(
      new Option("--format <format>", "what to write")
        .choices(["chrome", "ndjson", "text"] as const)
        .makeOptionMandatory(),
    )
    .option("--from <seconds>", "only events from this time on, as --format text prints times")
    .option("--to <seconds>", "only events up to this time, as --format text prints times")
    .option("--cpu <n>", "only events of or about this CPU")
    .option("--out <file>", "file to write (default: stdout)")
    .action(async (folder, flags) => {
      const { traceExportCommand } = await import("./trace-export-action.js");
      process.exitCode = await traceExportCommand(folder, flags);
    });
  addHelpSections(command, {
    examples: [
      ["vmcslab trace export runs/round-robin/latest --format chrome --out trace.json", "for a trace viewer"],
      [
        "vmcslab trace export runs/round-robin/latest --format text | grep kvm_exit",
        "a line each, as trace-cmd has them",
      ],
    ],
    exitCodes: {
      "0": "written",
      "2": "a file ends inside an event, as after a crash of trace; what is whole was written",
      "64": "wrong usage: a flag, or a folder without a history",
      ...exitCodes("69", "70"),
    },
  });
}
