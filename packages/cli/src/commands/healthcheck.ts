import type { Command } from "@commander-js/extra-typings";
import { exitCodes } from "../help/exit-codes.js";
import { addHelpSections } from "../help/sections.js";

export function addHealthcheckCommand(program: Command): void {
  const command = program
    .command("healthcheck")
    .description("ask a service for its gRPC health: exit 0 when it serves, 69 when not")
    .argument("<address>", "host:port of a CPU, L0 or trace")
    .action(async (address) => {
      const { checkHealth } = await import("@vmcslab/runtime");
      const status = await checkHealth(address);
      process.stdout.write(`${status}\n`);
      process.exitCode = status === "SERVING" ? 0 : 69;
    });
  addHelpSections(command, {
    examples: [["vmcslab healthcheck 127.0.0.1:7000", ""]],
    exitCodes: exitCodes("0", "69"),
  });
}
