/** What stopped a command, for people and as an exit code. */

const INTERNAL = 70;

/** Prints the error on stderr and says which exit code it stands for. */
export function reportError(thrown: unknown): number {
  const expected = expectedExitCode(thrown);
  if (expected !== undefined && thrown instanceof Error) {
    process.stderr.write(`vmcslab: ${thrown.message}\n`);
    return expected;
  }
  process.stderr.write(
    "vmcslab: this is a bug of vmcslab, not of what you did. Please report it with what follows and the command you ran.\n" +
      `${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}\n`,
  );
  return INTERNAL;
}

/** UsageError and UnavailableError carry theirs; the class is not imported here, because that would load the whole lab. */
function expectedExitCode(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !("exitCode" in thrown)) return undefined;
  return typeof thrown.exitCode === "number" ? thrown.exitCode : undefined;
}
