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
import { addTraceExportCommand } from "./trace-export.js";

export function addTraceCommand(program: Command): void {
  const command = program
    .command("trace")
    .description("run trace: it receives events, checks their sequences, stores and counts them")
    .option("--dir <dir>", "folder to store events in (default: history)")
    .option("--listen <address>", "host:port to listen on; port 0 takes a free one (default: 127.0.0.1:0)")
    .option("--nats <url>", "NATS server to subscribe to, besides the direct stream")
    .option("--consumer <name>", "name of a durable JetStream consumer, so that nothing is missed while trace is away")
    .option(TLS_DIR_FLAG, SERVICE_TLS_DIR)
    .option(TOKEN_FILE_FLAG, SERVICE_TOKEN_FILE)
    .option(INSECURE_FLAG, INSECURE)
    .option("--metrics <address>", "host:port to answer GET /metrics on, for Prometheus (default: nowhere)")
    .action(async (flags) => {
      const { traceCommand } = await import("./trace-action.js");
      await traceCommand(flags);
    });
  addTraceExportCommand(command);
  addHelpSections(command, {
    examples: [["vmcslab trace --listen 127.0.0.1:7200 --dir history", ""]],
    environment: {
      GRPC_LISTEN: "as --listen",
      HISTORY_DIR: "as --dir",
      ...NATS_ENVIRONMENT,
      TRACE_CONSUMER: "as --consumer",
      ...SERVICE_CREDENTIAL_ENVIRONMENT,
      METRICS_LISTEN: "as --metrics",
      OTEL_EXPORTER_OTLP_ENDPOINT: "base URL of an OTLP/HTTP endpoint that metrics are pushed to",
      VMCSLAB_LOG_LEVEL: "level of the log on stdout (default: info)",
    },
    exitCodes: SERVICE_EXIT_CODES,
  });
}
