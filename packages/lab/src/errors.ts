/** What stopped the command, as exit codes that scripts can rely on (`vmcslab help exit-codes`). */
export const EXIT_CODES = {
  valid: 0,
  invariantFailed: 1,
  unknown: 2,
  thresholdFailed: 3,
  usage: 64,
  unavailable: 69,
  internal: 70,
  interrupted: 130,
  terminated: 143,
} as const;

/** A file, a flag or an environment variable is wrong. The message is for the person who wrote it: exit 64. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly exitCode = EXIT_CODES.usage;
}

/** Something that the run needs did not answer (a service, NATS, a port): exit 69. */
export class UnavailableError extends Error {
  override readonly name = "UnavailableError";
  readonly exitCode = EXIT_CODES.unavailable;
}

/** The message of whatever was thrown. */
export function errorMessage(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The `code` of a Node.js system error (ENOENT, EACCES, …), if it is one. */
export function systemErrorCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}
