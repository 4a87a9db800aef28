import type { Command } from "@commander-js/extra-typings";
import { exitCodes } from "../help/exit-codes.js";
import { addHelpSections } from "../help/sections.js";
import {
  INSECURE,
  INSECURE_FLAG,
  SERVICE_CREDENTIAL_ENVIRONMENT,
  SERVICE_TLS_DIR,
  SERVICE_TOKEN_FILE,
  TLS_DIR_FLAG,
  TOKEN_FILE_FLAG,
} from "./credential-help.js";

export function addProxyCommand(program: Command): void {
  const command = program
    .command("proxy")
    .description("run a TCP proxy with faults between L0 and its CPUs: latency, partitions, resets")
    .option("--cpus <n>", "a link per CPU: port 7100 to cpu0:7100, 7101 to cpu1:7101, …")
    .option("--link <name=port:host:port>", "another link; can be repeated", append, [])
    .option("--listen <host>", "address to take connections on (default: 127.0.0.1)")
    .option("--control <address>", "host:port for setting faults over HTTP (default: 127.0.0.1:8474)")
    .option(TLS_DIR_FLAG, `${SERVICE_TLS_DIR}; setting faults goes over HTTPS then`)
    .option(TOKEN_FILE_FLAG, SERVICE_TOKEN_FILE)
    .option(INSECURE_FLAG, INSECURE)
    .action(async (flags) => {
      const { proxyCommand } = await import("./proxy-action.js");
      await proxyCommand(flags);
    });
  addHelpSections(command, {
    examples: [
      ["vmcslab proxy --link cpu0=7100:127.0.0.1:7300", "then, for the next five seconds:"],
      [`curl -X PUT 127.0.0.1:8474/links/cpu0 -d '{"latencyMs": 50, "jitterMs": 10, "forMs": 5000}'`, ""],
    ],
    environment: { PROXY_LISTEN: "as --listen", PROXY_CONTROL: "as --control", ...SERVICE_CREDENTIAL_ENVIRONMENT },
    exitCodes: exitCodes("0", "64", "69", "70"),
  });
}

function append(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
