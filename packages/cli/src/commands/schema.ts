import type { Command } from "@commander-js/extra-typings";
import { addHelpSections } from "../help/sections.js";

export function addSchemaCommand(program: Command): void {
  const command = program
    .command("schema")
    .description("print the JSON Schema of experiment files")
    .action(async () => {
      const { experimentJsonSchema } = await import("@vmcslab/lab/experiment");
      process.stdout.write(`${JSON.stringify(experimentJsonSchema(), null, 2)}\n`);
    });
  addHelpSections(command, {
    examples: [
      ["vmcslab schema > experiment.schema.json", "then, on top of an experiment:"],
      ["# yaml-language-server: $schema=./experiment.schema.json", "editors complete and check"],
    ],
    exitCodes: { "0": "printed", "64": "wrong usage: a flag" },
  });
}
