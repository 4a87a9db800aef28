import type { Command } from "@commander-js/extra-typings";
import { addHelpSections } from "../help/sections.js";

export function addModelsCommand(program: Command): void {
  const command = program
    .command("models")
    .description("list the CPU models that processors can behave as")
    .action(async () => {
      const { CPU_MODELS, DEFAULT_CPU_MODEL } = await import("@vmcslab/vmx");
      for (const name of Object.keys(CPU_MODELS)) {
        process.stdout.write(`${name}${name === DEFAULT_CPU_MODEL ? " (default)" : ""}\n`);
      }
    });
  addHelpSections(command, {
    examples: [["vmcslab models", "then: machine: { cpuModel: … } in an experiment"]],
  });
}
