import type { Command } from "@commander-js/extra-typings";
import { exitCodes } from "../help/exit-codes.js";
import { addHelpSections } from "../help/sections.js";
import {
  CLIENT_TLS_DIR,
  CLIENT_TOKEN_FILE,
  CREDENTIAL_ENVIRONMENT,
  TLS_DIR_FLAG,
  TOKEN_FILE_FLAG,
} from "./credential-help.js";

export interface FaultsPreviewFlags {
  readonly samples: string;
  readonly seed: string;
  readonly json?: true;
}

export interface FaultsLiveFlags {
  readonly address?: string;
  readonly tlsDir?: string;
  readonly tokenFile?: string;
  readonly json?: true;
}

export function addFaultsCommand(program: Command): void {
  const faults = program
    .command("faults")
    .description("break a host that runs, or look at the faults of experiments (docs/faults.md)");
  addLiveCommands(faults);
  const command = faults
    .command("preview")
    .description("show what a delay comes to before anything runs: quantiles, mean, histogram")
    .argument("<delay-or-experiment>", "a delay such as logNormal:p50=1ms,p99=20ms, or an experiment file: its delays")
    .option("--samples <n>", "how many delays to draw", "100000")
    .option("--seed <number>", "what they are drawn from", "1")
    .option("-j, --json", "print one JSON document, times in nanoseconds")
    .action(async (subject, flags) => {
      const { faultsPreviewCommand } = await import("./faults-action.js");
      process.stdout.write(await faultsPreviewCommand(subject, flags));
    });
  addHelpSections(faults, {
    examples: [
      ["vmcslab faults inject crash cpu=3 when=afterFlush", "on the host of docker compose up"],
      ["vmcslab faults list", ""],
      ["vmcslab faults preview exponential:mean=5ms", ""],
    ],
  });
  addHelpSections(command, {
    examples: [
      ["vmcslab faults preview logNormal:p50=1ms,p99=20ms", ""],
      ["vmcslab faults preview pareto:scale=1ms,shape=1.5 --samples 1000000", "a heavy tail"],
      ["vmcslab faults preview empirical:measured.txt", "one duration per line"],
    ],
    exitCodes: {
      "0": "printed",
      "64": "wrong usage: a flag, a delay, an experiment or a file of durations",
      ...exitCodes("69", "70"),
    },
  });
}

const ADDRESS =
  "host:port of L0, or of the service that it is done to (default: 127.0.0.1:17000, of docker compose up)";
const ENVIRONMENT = { VMCSLAB_ATTACH: "as --address", ...CREDENTIAL_ENVIRONMENT } as const;

/** Of a host that runs. */
function addLiveCommands(faults: Command): void {
  const inject = faults
    .command("inject")
    .description("break something on purpose, until its lease ends: also when this command is long gone")
    .argument("<fault...>", "a kind with key=value settings, or one entry of an experiment's faults in braces")
    .option("--address <address>", ADDRESS)
    .option(TLS_DIR_FLAG, CLIENT_TLS_DIR)
    .option(TOKEN_FILE_FLAG, CLIENT_TOKEN_FILE)
    .option("--seed <text>", "what is left to chance is drawn from it (default: drawn, and told by --json)")
    .option("-j, --json", "print one JSON document")
    .action(async (words, flags) => {
      const { injectCommand } = await import("./faults-live-action.js");
      process.stdout.write(await injectCommand(words, flags));
    });
  const list = faults
    .command("list")
    .description("the faults that wait or act, on L0 and its CPUs")
    .option("--address <address>", ADDRESS)
    .option(TLS_DIR_FLAG, CLIENT_TLS_DIR)
    .option(TOKEN_FILE_FLAG, CLIENT_TOKEN_FILE)
    .option("-j, --json", "print one JSON document")
    .action(async (flags) => {
      const { listCommand } = await import("./faults-live-action.js");
      process.stdout.write(await listCommand(flags));
    });
  const clear = faults
    .command("clear")
    .description("end faults before their leases do; what has ended already is no error")
    .argument("[names...]", "their names (default: all)")
    .option("--address <address>", ADDRESS)
    .option(TLS_DIR_FLAG, CLIENT_TLS_DIR)
    .option(TOKEN_FILE_FLAG, CLIENT_TOKEN_FILE)
    .option("-j, --json", "print one JSON document")
    .action(async (names, flags) => {
      const { clearCommand } = await import("./faults-live-action.js");
      process.stdout.write(await clearCommand(names, flags));
    });
  addHelpSections(inject, {
    examples: [
      ["vmcslab faults inject dropReply method=interrupt probability=0.1 for=30s", "one cross-CPU clear in ten"],
      ["vmcslab faults inject crash cpu=3 when=afterFlush", "it dies between flushing and acknowledging"],
      ["vmcslab faults inject '{ match: {}, do: { delay: { exponential: { mean: 5ms } } }, for: 1min }'", ""],
    ],
    environment: ENVIRONMENT,
    exitCodes: {
      "0": "injected; a note says when its victim is not there",
      "64": "wrong usage: it is no fault, or cannot be injected there",
      ...exitCodes("69", "70"),
    },
  });
  addHelpSections(list, {
    examples: [["vmcslab faults list --json", ""]],
    environment: ENVIRONMENT,
    exitCodes: exitCodes("0", "64", "69", "70"),
  });
  addHelpSections(clear, {
    examples: [["vmcslab faults clear", "all of them"]],
    environment: ENVIRONMENT,
    exitCodes: exitCodes("0", "64", "69", "70"),
  });
}
