import type { Command } from "@commander-js/extra-typings";
import { exitCodes } from "../help/exit-codes.js";
import { addHelpSections } from "../help/sections.js";

export function addTraceCommand(program: Command): void {
  const command = program
    .command("trace")
    .description("run trace: it receives events, checks their sequences, stores and counts them")
    .option("--dir <dir>", "folder to store events in (default: history)")
    .option("--listen <address>", "host:port to listen on; port 0 takes a free one (default: 127.0.0.1:0)")
    .option("--nats <url>", "NATS server to subscribe to, besides the direct stream")
    .action(async (flags) => {
      const { traceCommand } = await import("./trace-action.js");
      await traceCommand(flags);
    });
  addHelpSections(command, {
    examples: [["vmcslab trace --listen 127.0.0.1:7200 --dir history", ""]],
    environment: {
      GRPC_LISTEN: "as --listen",
      HISTORY_DIR: "as --dir",
      NATS_URL: "as --nats",
      VMCSLAB_LOG_LEVEL: "level of the log on stdout (default: info)",
    },
    exitCodes: exitCodes("0", "64", "69", "70"),
  });
}
