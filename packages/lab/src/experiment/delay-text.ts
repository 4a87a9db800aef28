/** A delay on the command line: `logNormal:p50=1ms,p99=20ms`, `constant:5ms`, `empirical:FILE`. */
import type { Distribution } from "@vmcslab/faults";
import { UsageError } from "../errors.js";
import { type DistributionEntry, distributionSchema } from "./delay-schema.js";
import { faultProblems } from "./fault-problems.js";
import { readDistribution } from "./faults.js";
import { problemsOf } from "./issues.js";

/** Where a delay stands in an experiment file: its messages are those of the file. */
const PLACE = ["faults", 0, "do", "delay"] as const;

/**
 * Undefined when the text does not begin as one: no word and a colon. `resolvePath` makes a file's path absolute. Throws UsageError, and what
 * reading measured delays throws.
 */
export async function parseDelay(
  text: string,
  resolvePath: (path: string) => string,
): Promise<Distribution | undefined> {
  const [, kind, rest] = /^([A-Za-z]{2,}):(.*)$/.exec(text) ?? [];
  if (kind === undefined || rest === undefined) return undefined;
  return await readDistribution(checked(text, { [kind]: settingsOf(kind, rest, resolvePath) }));
}

function checked(text: string, delay: unknown): DistributionEntry {
  const parsed = distributionSchema.safeParse(delay);
  const problems = parsed.success
    ? faultProblems({ faults: [{ match: {}, do: { delay: parsed.data } }], machine: { cpus: 1 } })
    : problemsOf(
        parsed.error.issues.map((issue) => ({ ...issue, path: [...PLACE, ...issue.path] })),
        { faults: [{ do: { delay } }] },
      );
  if (parsed.success && problems.length === 0) return parsed.data;
  const lines = problems.map(({ path, message }) => {
    const place = path.slice(PLACE.length).join(".");
    return `${text}: ${place === "" || message.startsWith("unknown key") ? "" : `${place}: `}${message}`;
  });
  throw new UsageError(lines.join("\n"));
}

function settingsOf(kind: string, rest: string, resolvePath: (path: string) => string): unknown {
  if (kind === "empirical") return rest === "" ? rest : resolvePath(rest);
  if (!rest.includes("=")) return scalar(rest);
  return Object.fromEntries(
    rest.split(",").map((setting) => {
      const [name = "", value = ""] = setting.split("=", 2);
      return [name.trim(), scalar(value.trim())];
    }),
  );
}

function scalar(text: string): string | number {
  return /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text;
}
