import type { Command } from "@commander-js/extra-typings";
import { SERVICE_EXIT_CODES } from "../help/exit-codes.js";
import { addHelpSections } from "../help/sections.js";
import {
  INSECURE,
  INSECURE_FLAG,
  NATS_ENVIRONMENT,
  SERVICE_CREDENTIAL_ENVIRONMENT,
  SERVICE_TLS_DIR,
  SERVICE_TOKEN_FILE,
  TLS_DIR_FLAG,
  TOKEN_FILE_FLAG,
} from "./credential-help.js";

export function addL0Command(program: Command): void {
  const command = program
    .command("l0")
    .description("run L0: the hypervisor that owns vcpus and their VMCSs")
    .option("--listen <address>", "host:port to listen on; port 0 takes a free one (default: 127.0.0.1:0)")
    .option("--pool-size <n>", "vmcs02s per vcpu that does not say (default: 1)")
    .option("--design <design>", "vmcs02s of a vcpu: pool, or single, allocated at VMXON (default: pool)")
    .option("--preparation <how>", "what it writes into a vmcs02 before it enters: full or incremental (default: full)")
    .option("--clearing <how>", "how it clears several VMCSs: oneByOne, perCpu or atOnce (default: atOnce)")
    .option("--cpu-model <name>", "model of the CPUs it runs on (vmcslab models)")
    .option("--lost-cpu <policy>", "what to do about a CPU that falls silent: wait, fence or kill (default: wait)")
    .option("--lease <duration>", "fence, kill: how long a CPU may go on without hearing from L0 (default: 5s)")
    .option(
      "--journal <where>",
      "where L0 keeps what it must know after a restart: none, nats, file:PATH or file:PATH?sync (default: none)",
    )
    .option("--host-name <name>", "name of the host in events")
    .option("--trace <address>", "host:port of trace, for events")
    .option("--nats <url>", "NATS server for events, and for --journal nats")
    .option(
      "--spool <dir>",
      "folder for events that the bus has not confirmed; the next life publishes what a killed one left",
    )
    .option("--event-buffer <n>", "events kept while the bus is slow or away (default: 50000)")
    .option(TLS_DIR_FLAG, SERVICE_TLS_DIR)
    .option(TOKEN_FILE_FLAG, SERVICE_TOKEN_FILE)
    .option(INSECURE_FLAG, INSECURE)
    .option("--metrics <address>", "host:port to answer GET /metrics on, for Prometheus (default: nowhere)")
    .action(async (flags) => {
      const { l0Command } = await import("./l0-action.js");
      await l0Command(flags);
    });
  addHelpSections(command, {
    examples: [
      ["vmcslab l0 --listen 127.0.0.1:7000", "then: vmcslab cpu --id 0 --l0 127.0.0.1:7000"],
      ["vmcslab l0 --lost-cpu fence --lease 2s", "VMCSs of a CPU that was silent for 2 s are rebuilt elsewhere"],
    ],
    environment: {
      GRPC_LISTEN: "as --listen",
      POOL_SIZE: "as --pool-size",
      DESIGN: "as --design",
      PREPARATION: "as --preparation",
      CLEARING: "as --clearing",
      LOST_CPU: "as --lost-cpu",
      CPU_LEASE: "as --lease",
      JOURNAL: "as --journal",
      TRACE_ADDR: "as --trace",
      ...NATS_ENVIRONMENT,
      EVENT_SPOOL: "as --spool",
      EVENT_BUFFER: "as --event-buffer",
      VMCSLAB_HOST: "as --host-name",
      ...SERVICE_CREDENTIAL_ENVIRONMENT,
      METRICS_LISTEN: "as --metrics",
      OTEL_EXPORTER_OTLP_ENDPOINT: "base URL of an OTLP/HTTP endpoint that metrics are pushed to",
      VMCSLAB_WITHOUT: "for tests: a safeguard that is taken away, to show what it is for (docs/safeguards.md)",
      VMCSLAB_LOG_LEVEL: "level of the log on stdout (default: info)",
    },
    exitCodes: SERVICE_EXIT_CODES,
  });
}
