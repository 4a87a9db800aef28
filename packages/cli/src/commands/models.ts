import type { Command } from "@commander-js/extra-typings";
import { addHelpSections } from "../help/sections.js";

export function addModelsCommand(program: Command): void {
  const command = program
    .command("models")
    .description("list the CPU models that processors can behave as: revision identifier, address widths, features")
    .option("-j, --json", "all of it, capability MSRs included, as one JSON document")
    .action(async ({ json }) => {
      const { describeModels, modelsDocument } = await import("./models-action.js");
      process.stdout.write(json === true ? `${JSON.stringify(modelsDocument())}\n` : describeModels());
    });
  addHelpSections(command, {
    examples: [
      ["vmcslab models", "then: machine: { cpuModel: … } in an experiment"],
      [`vmcslab models --json | jq -r '.models[0].msrs["0x480"]'`, "IA32_VMX_BASIC of the first"],
    ],
    exitCodes: { "0": "printed", "64": "wrong usage: a flag" },
  });
}
