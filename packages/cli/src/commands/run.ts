import { type Command, Option } from "@commander-js/extra-typings";
import { exitCodes } from "../help/exit-codes.js";
import { addHelpSections } from "../help/sections.js";
import {
  CLIENT_TLS_DIR,
  CLIENT_TOKEN_FILE,
  CREDENTIAL_ENVIRONMENT,
  NATS_ENVIRONMENT,
  TLS_DIR_FLAG,
  TOKEN_FILE_FLAG,
} from "./credential-help.js";

export interface RunFlags {
  readonly set: readonly string[];
  readonly seed?: string;
  readonly cpus?: string;
  readonly vcpus?: string;
  readonly poolSize?: string;
  readonly nats?: string;
  readonly attach?: string;
  readonly trace?: string;
  readonly compose?: string | true;
  readonly tlsDir?: string;
  readonly tokenFile?: string;
  readonly simulate?: true;
  readonly costModel?: string;
  readonly runsDir?: string;
  readonly json?: true;
  readonly quiet?: true;
  readonly printConfig?: true;
}

export function addRunCommand(program: Command): void {
  const command = program
    .command("run")
    .description("run an experiment: CPUs, L0 and trace as processes of their own, on loopback")
    .argument("<experiment>", "experiment file (docs/experiments.md)")
    .option("--set <path=value>", "put a value over the file's; can be repeated", append, [])
    .addOption(new Option("--seed <number>", "seed of the run, or auto"))
    .option("--cpus <n>", "machine.cpus")
    .option("--vcpus <n>", "machine.vcpus")
    .option("--pool-size <n>", "machine.poolSize")
    .option("--attach <address>", "host:port of L0: run on a host that runs already, such as docker compose's")
    .option("--trace <address>", "with --attach: host:port of trace (default: the port 200 above that of L0)")
    .option(
      "--compose [project]",
      "as --attach, on a project of docker compose, whose containers faults are done to (default: vmcslab)",
    )
    .option(TLS_DIR_FLAG, `with --attach: ${CLIENT_TLS_DIR}`)
    .option(TOKEN_FILE_FLAG, CLIENT_TOKEN_FILE)
    .option("--simulate", "in this process, in virtual time: one seed is one result (docs/simulate.md)")
    .option("--cost-model <name>", "with --simulate: where virtual times come from (default: that of the CPU model)")
    .option("--nats <url>", "carry events over this NATS server")
    .option("--runs-dir <dir>", "folder for the runs' folders")
    .option("-j, --json", "print the result as one JSON document")
    .option("-q, --quiet", "no progress and no notes")
    .option("--print-config", "print every setting with its origin, and do not run")
    .action(async (experiment, flags) => {
      const { runCommand } = await import("./run-action.js");
      process.exitCode = await runCommand(experiment, flags);
    });
  addHelpSections(command, {
    examples: [
      ["vmcslab run experiments/round-robin.yaml --cpus 8 --seed 7", ""],
      ["vmcslab run experiments/round-robin.yaml --set workload.kvmTrace=my-trace.txt", "replay a capture of yours"],
      ["vmcslab run experiments/partition-fence.yaml --simulate --seed 7", "in virtual time, with its faults"],
      [
        "vmcslab run experiments/round-robin.yaml --simulate --set 'matrix.machine.poolSize=[1,2,4]' --set repetitions=5",
        "a study: every cell five times",
      ],
      ["vmcslab run experiments/round-robin.yaml --compose", "on the host of docker compose up"],
      ["vmcslab run experiments/round-robin.yaml --attach HOST:7000 --tls-dir tls/client", "on a host anywhere"],
      ["vmcslab run experiments/faults/crash.yaml --compose", "the same host, whose containers are killed"],
    ],
    environment: {
      VMCSLAB_SEED: "seed of the run, or auto",
      VMCSLAB_RUNS_DIR: "folder for the runs' folders (default: runs)",
      VMCSLAB_LOG_LEVEL: "level of the services' logs (default: warn)",
      VMCSLAB_ATTACH: "as --attach",
      TRACE_ADDR: "as --trace",
      COMPOSE_PROJECT_NAME: "the project of --compose that does not say",
      ...CREDENTIAL_ENVIRONMENT,
      ...NATS_ENVIRONMENT,
      NO_COLOR: "no colours",
      CI: "no line that is overwritten",
    },
    exitCodes: exitCodes("0", "1", "2", "3", "64", "69", "70", "130", "143"),
  });
}

function append(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
