/** What every bench has in common: its flags, and the machine that it names in its results. */
import { cpus } from "node:os";
import { parseArgs } from "node:util";

/** The values of --json, --runs and the bench's `more` flags; undefined: help was asked for, and printed. Throws RangeError for a number of runs that is none. */
export function parseBench(args, { help, runs, more = {} }) {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: "boolean", default: false },
      runs: { type: "string", default: String(runs) },
      ...more,
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(help);
    return undefined;
  }
  const count = Number(values.runs);
  if (!Number.isInteger(count) || count < 1) throw new RangeError("--runs is a positive integer");
  return { ...values, runs: count };
}

export function machineOf() {
  return { cpu: cpus()[0]?.model ?? "unknown", cpus: cpus().length, node: process.version };
}

/** One document, vmcslab.bench/v1. */
export function documentOf(rows, machine) {
  return JSON.stringify({ schema: "vmcslab.bench/v1", rows, machine });
}
