import type { Command } from "@commander-js/extra-typings";
import { exitCodes } from "../help/exit-codes.js";
import { addHelpSections } from "../help/sections.js";

export interface FaultsPreviewFlags {
  readonly samples: string;
  readonly seed: string;
  readonly json?: true;
}

export function addFaultsCommand(program: Command): void {
  const faults = program.command("faults").description("faults of experiments (docs/faults.md)");
  const command = faults
    .command("preview")
    .description("show what a delay comes to before anything runs: quantiles, mean, histogram")
    .argument("<delay-or-experiment>", "a delay such as logNormal:p50=1ms,p99=20ms, or an experiment file: its delays")
    .option("--samples <n>", "how many delays to draw", "100000")
    .option("--seed <number>", "what they are drawn from", "1")
    .option("-j, --json", "print one JSON document, times in nanoseconds")
    .action(async (subject, flags) => {
      const { faultsPreviewCommand } = await import("./faults-action.js");
      process.stdout.write(await faultsPreviewCommand(subject, flags));
    });
  addHelpSections(faults, { examples: [["vmcslab faults preview exponential:mean=5ms", ""]] });
  addHelpSections(command, {
    examples: [
      ["vmcslab faults preview logNormal:p50=1ms,p99=20ms", ""],
      ["vmcslab faults preview pareto:scale=1ms,shape=1.5 --samples 1000000", "a heavy tail"],
      ["vmcslab faults preview empirical:measured.txt", "one duration per line"],
    ],
    exitCodes: {
      "0": "printed",
      "64": "wrong usage: a flag, a delay, an experiment or a file of durations",
      ...exitCodes("69", "70"),
    },
  });
}
