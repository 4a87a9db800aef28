/** What the exit codes mean. They stay as they are: scripts rely on them. */
export const EXIT_CODE_TEXTS = {
  "0": "valid: nothing was violated, thresholds are met",
  "1": "an invariant or a check failed",
  "2": "unknown: evidence is missing (lost events, failed operations, an early end)",
  "3": "valid, but a threshold is not met",
  "64": "wrong usage: a flag, an experiment, a capture or a program",
  "69": "something needed is unavailable: a service, NATS, a port, a file that may not be read",
  "70": "a bug of vmcslab",
  "130": "ended by SIGINT; the run's folder is written if the host was up",
  "143": "ended by SIGTERM; the run's folder is written if the host was up",
} as const;

/** Those of `cpu`, `l0` and `trace`. */
export const SERVICE_EXIT_CODES = {
  "0": "stopped by SIGINT or SIGTERM, in order or after 6 s",
  "64": "wrong usage: a flag or a variable",
  "69": "the address cannot be listened on, or its journal or spool cannot be used",
  "70": EXIT_CODE_TEXTS["70"],
  "130": "a second signal, SIGINT, ended it at once",
  "143": "a second signal, SIGTERM, ended it at once",
} as const;

/** Some of them, for the help of one command. */
export function exitCodes(...codes: (keyof typeof EXIT_CODE_TEXTS)[]): Record<string, string> {
  return Object.fromEntries(codes.map((code) => [code, EXIT_CODE_TEXTS[code]]));
}
