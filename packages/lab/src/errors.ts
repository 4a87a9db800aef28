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

  /** What the message quotes of a file is cut: the file may hold anything. */
  constructor(message: string) {
    super(readable(message));
  }
}

/** Longer than any path or word that a person writes. */
const ENDLESS_WORD = /\S{401,}/g;
const WORD_SHOWN = 80;
const MESSAGE_LENGTH_MAX = 4000;

/** A message that people can read: without what is endless in it. */
export function readable(message: string): string {
  const text = message.replace(ENDLESS_WORD, (word) => `${word.slice(0, WORD_SHOWN)}…`);
  return text.length > MESSAGE_LENGTH_MAX ? `${text.slice(0, MESSAGE_LENGTH_MAX)}…` : text;
}

/** Something that the run needs did not answer (a service, NATS, a port): exit 69. */
export class UnavailableError extends Error {
  override readonly name = "UnavailableError";
  readonly exitCode = EXIT_CODES.unavailable;
}

/** A signal ended it before there was anything to write a result of: exit 130 or 143. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";
  readonly exitCode: number;

  /** `reason`: the name of the signal. */
  constructor(reason: unknown, what: string) {
    super(`${what}: ended by ${String(reason)}`);
    this.exitCode = reason === "SIGTERM" ? EXIT_CODES.terminated : EXIT_CODES.interrupted;
  }
}

/** A file of the user's that could not be read: theirs to correct, or, when it is there but not for us, unavailable. */
export function unreadable(file: string, thrown: unknown): UsageError | UnavailableError {
  switch (systemErrorCode(thrown)) {
    case "ENOENT":
    case "ENOTDIR":
      return new UsageError(`${file}: there is no such file`);
    case "EISDIR":
      return new UsageError(`${file}: this is a folder; give a file`);
    case "EACCES":
    case "EPERM":
      return new UnavailableError(`${file}: the file may not be read (${errorMessage(thrown)})`);
    default:
      return new UnavailableError(`${file}: the file cannot be read: ${errorMessage(thrown)}`);
  }
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
