import type { Command } from "@commander-js/extra-typings";
import { addHelpSections } from "../help/sections.js";

export function addCostsCommand(program: Command): void {
  const command = program
    .command("costs")
    .description("list the cost models of virtual time: what each VMX instruction costs, in cycles, and who says so")
    .argument("[name]", "only this model")
    .option("-j, --json", "all of it as one JSON document")
    .action(async (name, { json }) => {
      const { costsDocument, describeCosts } = await import("./costs-action.js");
      process.stdout.write(json === true ? `${JSON.stringify(costsDocument(name))}\n` : describeCosts(name));
    });
  addHelpSections(command, {
    examples: [
      ["vmcslab costs", "every model; of all but the default only what differs"],
      ["vmcslab costs westmere", "every row of one"],
      ["vmcslab costs default --json | jq '.models[0].rows.exit'", "one figure with its range, status and source"],
    ],
    exitCodes: { "0": "printed", "64": "wrong usage: a flag, or a name that no model has" },
  });
}
