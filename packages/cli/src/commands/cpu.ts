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

export function addCpuCommand(program: Command): void {
  const command = program
    .command("cpu")
    .description("run one CPU: a process that is one logical processor with VT-x")
    .option("--id <n>", "number of the CPU on its host")
    .option("--l0 <address>", "host:port of L0; without it the CPU serves people only")
    .option("--listen <address>", "host:port to listen on; port 0 takes a free one (default: 127.0.0.1:0)")
    .option("--advertise <address>", "host:port under which L0 reaches this CPU (default: where it listens)")
    .option("--cpu-model <name>", "processor model (vmcslab models)")
    .option(
      "--drain <duration>",
      "when stopped: how long L0 may take to take its VMCSs from this CPU; 0s: it goes at once (default: 1s)",
    )
    .option("--host-name <name>", "name of the host in events")
    .option("--trace <address>", "host:port of trace, for events")
    .option("--nats <url>", "NATS server for events")
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
      const { cpuCommand } = await import("./cpu-action.js");
      await cpuCommand(flags);
    });
  addHelpSections(command, {
    examples: [["vmcslab cpu --id 0 --listen 127.0.0.1:7100", "then: grpcurl -plaintext 127.0.0.1:7100 list"]],
    environment: {
      CPU_ID: "as --id",
      L0_ADDR: "as --l0",
      GRPC_LISTEN: "as --listen",
      GRPC_ADVERTISE: "as --advertise",
      TRACE_ADDR: "as --trace",
      ...NATS_ENVIRONMENT,
      CPU_DRAIN: "as --drain",
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
