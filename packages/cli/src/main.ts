/** The command: finds what was asked for, and turns whatever happens into an exit code. */
import { CommanderError } from "@commander-js/extra-typings";
import { reportError } from "./output/errors.js";
import { createProgram } from "./program.js";

/** Runs the command line. Sets the exit code of the process; ends it only where a command must. */
export async function main(argv: readonly string[]): Promise<void> {
  endQuietlyWhenNobodyReads();
  reportStrayErrors();
  try {
    await createProgram().parseAsync([...argv]);
  } catch (thrown) {
    process.exitCode = thrown instanceof CommanderError ? commanderExitCode(thrown) : reportError(thrown);
  }
}

/** Commander has printed its message already. */
function commanderExitCode({ exitCode }: CommanderError): number {
  return exitCode === 0 ? 0 : 64;
}

/** `vmcslab … | head` is no error of ours. */
function endQuietlyWhenNobodyReads(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
    throw error;
  });
}

/** Node.js would end with 1, which here says that an invariant failed. */
function reportStrayErrors(): void {
  const report = (thrown: unknown) => process.exit(reportError(thrown));
  process.on("uncaughtException", report);
  process.on("unhandledRejection", report);
}
