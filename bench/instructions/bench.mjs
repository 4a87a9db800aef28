/**
 * `npm run bench -- instructions [--json] [--runs N]`: nanoseconds per instruction in process, through
 * `Processor.execute`, next to a null loop that dispatches as many no-ops the same way in the same run.
 */

import { documentOf, machineOf, parseBench } from "../command-line.mjs";
import { CASES, NULL_LOOP } from "./cases.mjs";

const WARM_UP_ROUNDS = 200_000;
const RUN_NS = 150_000_000;
const SOAK_INSTRUCTIONS = 1_000_000_000;
const SOAK_WARM_UP_ROUNDS = 1_000_000;
const SOAK_GOAL_MIB = 16;
const MIB = 1024 * 1024;
const round1 = (value) => Math.round(value * 10) / 10;
const round2 = (value) => Math.round(value * 100) / 100;
function timeNs(body, rounds, name) {
  const start = process.hrtime.bigint();
  const failures = body(rounds);
  const elapsed = Number(process.hrtime.bigint() - start);
  if (failures !== 0) throw new Error(`${name}: an instruction did not succeed`);
  return elapsed / rounds;
}
/** Fastest of `runs` runs of about 0.15 s each: other work on the machine only ever adds. */
function measure({ name, prepare }, runs) {
  const body = prepare();
  const estimate = timeNs(body, WARM_UP_ROUNDS, name);
  const rounds = Math.max(1, Math.round(RUN_NS / estimate));
  return Math.min(...Array.from({ length: runs }, () => timeNs(body, rounds, name)));
}
function rowOf(definition, runs) {
  const ours = measure(definition, runs);
  const { name, reference, goal } = definition;
  return {
    name,
    ratio: reference === undefined ? null : round2(reference / ours),
    goal: goal === undefined ? null : round1(goal),
    met: goal === undefined ? null : ours <= goal,
    ours: round1(ours),
    reference: reference === undefined ? null : round1(reference),
    unit: "ns",
    runs,
  };
}
function describe(rows) {
  const lines = rows.map(({ name, ours, reference, goal, met, unit }) => {
    const verdict = met === null ? "" : met ? "  met" : "  MISSED";
    return `${name.padEnd(56)} ${ours.toFixed(1).padStart(8)} ${String(reference ?? "-").padStart(10)} ${String(goal ?? "-").padStart(8)} ${unit}${verdict}`;
  });
  return [
    `${"per round".padEnd(56)} ${"ours".padStart(8)} ${"Bochs 2.7".padStart(10)} ${"goal".padStart(8)}`,
    ...lines,
  ].join("\n");
}
/** A billion instructions of the loop; what the heap and the process have grown by since a warm-up, in MiB. */
function soakRows() {
  const body = CASES[0].prepare();
  const grown = (rounds) => {
    const failures = body(rounds);
    if (failures !== 0) throw new Error("soak: an instruction did not succeed");
    const { rss, heapUsed } = process.memoryUsage();
    return { rss, heapUsed };
  };
  const before = grown(SOAK_WARM_UP_ROUNDS);
  const after = grown(SOAK_INSTRUCTIONS / CASES[0].instructions);
  const row = (name, key) => ({
    name: `${name} over ${SOAK_INSTRUCTIONS / 1e9} billion instructions`,
    ratio: null,
    goal: SOAK_GOAL_MIB,
    met: (after[key] - before[key]) / MIB <= SOAK_GOAL_MIB,
    ours: round1((after[key] - before[key]) / MIB),
    reference: null,
    unit: "MiB",
    runs: 1,
  });
  return [row("heap growth", "heapUsed"), row("growth of resident memory", "rss")];
}

const HELP = `npm run bench -- instructions [--json] [--runs N] [--soak]
  --json    the result as one document, vmcslab.bench/v1
  --runs N  each case is the fastest of N runs of about 0.15 s (default 5)
  --soak    also a billion instructions, and what memory grew by`;

/** Prints the table, or with --json one document. */
export function run(args) {
  const values = parseBench(args, { help: HELP, runs: 5, more: { soak: { type: "boolean", default: false } } });
  if (values === undefined) return;
  const { runs } = values;
  const rows = [NULL_LOOP, ...CASES].map((definition) => rowOf(definition, runs));
  if (values.soak) rows.push(...soakRows());
  const machine = machineOf();
  if (values.json) {
    console.log(documentOf(rows, machine));
    return;
  }
  console.log(describe(rows));
  const loop = rows[1]?.ours ?? Number.NaN;
  console.log(
    `loop: ${round1(4000 / loop)} million instructions/s, ${round1(loop - (rows[0]?.ours ?? 0))} ns of it above the null loop`,
  );
  console.log(`on ${machine.cpu}, ${machine.cpus} CPUs, Node.js ${machine.node}`);
}
