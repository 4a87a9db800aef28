import type { Command } from "@commander-js/extra-typings";
import { addHelpSections } from "../help/sections.js";
import { CLIENT_TLS_DIR, TLS_DIR_FLAG } from "./credential-help.js";

export function addHealthcheckCommand(program: Command): void {
  const command = program
    .command("healthcheck")
    .description(
      "ask a service for its gRPC health, or an http:// or https:// address for its own: exit 0 when it serves, 69 when not",
    )
    .argument("[address]", "host:port of a CPU, L0 or trace (default: that of GRPC_LISTEN, on loopback)")
    .option(TLS_DIR_FLAG, CLIENT_TLS_DIR)
    .action(async (address, flags) => {
      const { healthcheckCommand } = await import("./healthcheck-action.js");
      process.exitCode = await healthcheckCommand(address, flags);
    });
  addHelpSections(command, {
    examples: [["vmcslab healthcheck 127.0.0.1:7000", ""]],
    environment: {
      GRPC_LISTEN: "the address to ask when none is given: 0.0.0.0:7000 is asked at 127.0.0.1:7000",
      TLS_DIR: "as --tls-dir",
    },
    exitCodes: {
      "0": "the service serves",
      "64": "wrong usage: no address is given and GRPC_LISTEN is not set",
      "69": "the service does not serve, or nothing answers there",
    },
  });
}
