import type { Command } from "@commander-js/extra-typings";
import { exitCodes } from "../help/exit-codes.js";
import { addHelpSections } from "../help/sections.js";

export interface CertsFlags {
  readonly cpus: string;
  readonly hostName?: string;
  readonly name: readonly string[];
  readonly days: string;
  readonly keep?: true;
  readonly owner?: string;
  readonly natsDir?: string;
  readonly json?: true;
}

export function addCertsCommand(program: Command): void {
  const command = program
    .command("certs")
    .description("make what a host with authentication needs: a private CA, a folder per service, one for people")
    .argument("<dir>", "folder for the folders; it is to be empty, or not there")
    .option("--cpus <n>", "how many CPUs", "4")
    .option("--host-name <name>", "name of the host in events, for what services may publish on NATS (default: host)")
    .option("--name <name>", "one more name or address to reach the services by; can be repeated", append, [])
    .option("--days <n>", "how long the services' certificates are valid", "365")
    .option("--keep", "keep what is there: make only what is missing, and certificates anew that end within 30 days")
    .option("--owner <uid:gid>", "whom the files are to belong to (needs root)")
    .option("--nats-dir <dir>", "where the NATS server will find its folder (default: DIR/nats)")
    .option("-j, --json", "print one JSON document")
    .action(async (directory, flags) => {
      const { certsCommand } = await import("./certs-action.js");
      process.stdout.write(await certsCommand(directory, flags));
    });
  addHelpSections(command, {
    examples: [
      ["vmcslab certs tls --cpus 4", "then: vmcslab l0 --listen 0.0.0.0:7000 --tls-dir tls/l0"],
      ["vmcslab run FILE --attach HOST:7000 --tls-dir tls/client", "as a person"],
    ],
    environment: { VMCSLAB_HOST: "as --host-name" },
    exitCodes: exitCodes("0", "64", "69", "70"),
  });
}

function append(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
