import { pino } from "pino";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** One JSON object per line on stdout: time, level, service, cpu (in CPU services), msg, and what the line is about. */
export interface Logger {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export interface LoggerOptions {
  readonly service: string;
  readonly cpu?: number;
  /** Default: VMCSLAB_LOG_LEVEL, else info. */
  readonly level?: LogLevel;
}

/** Nobody logs any of these; should somebody, it is not seen. */
const SECRETS = ["token", "password", "authorization", "key", "creds"].flatMap((name) => [name, `*.${name}`]);

export function createLogger({ service, cpu, level = levelFromEnvironment() }: LoggerOptions): Logger {
  return pino({
    level,
    redact: { paths: SECRETS, censor: "[secret]" },
    base: cpu === undefined ? { service } : { service, cpu },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}

/** A value that is not a level counts as info here; the command refuses it before it starts anything. */
function levelFromEnvironment(): LogLevel {
  const wanted = process.env.VMCSLAB_LOG_LEVEL;
  return LOG_LEVELS.find((level) => level === wanted) ?? "info";
}
