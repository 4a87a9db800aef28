/** `vmcslab help [command|exit-codes]`. */
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { EXIT_CODE_TEXTS } from "./exit-codes.js";

export function addHelpCommand(program: CommandUnknownOpts): void {
  program.helpCommand(false);
  program
    .command("help")
    .description("help for a command, or `help exit-codes`")
    .argument("[topic]", "a command, or exit-codes")
    .action((topic) => showHelp(program, topic));
}

function showHelp(program: CommandUnknownOpts, topic: string | undefined): void {
  if (topic === "exit-codes") {
    const lines = Object.entries(EXIT_CODE_TEXTS).map(([code, text]) => `${code.padStart(4)}  ${text}`);
    process.stdout.write(`${lines.join("\n")}\n`);
    return;
  }
  if (topic === undefined) program.help();
  const command = program.commands.find((candidate) => candidate.name() === topic);
  if (command === undefined) {
    const topics = [...program.commands.map((candidate) => candidate.name()), "exit-codes"];
    program.error(`error: no help on '${topic}'; there is help on: ${topics.join(", ")}`, { exitCode: 64 });
    return;
  }
  command.help();
}
