/**
 * `npm run bench -- interconnect`: the interconnect between L0 and its CPUs, each in a process of its own, against a bare @grpc/grpc-js echo and a raw TCP ping-pong in the same run. Ours and the floor
 * take turns in short rounds; a ratio is the median over the rounds, so that what else the machine does meets both.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { documentOf, machineOf, parseBench } from "../command-line.mjs";
import { median } from "./measure.mjs";
import { reunite, separate, startClient, startEcho, startService, stopAll } from "./processes.mjs";
import { sizes } from "./size.mjs";

const CPUS = 8;
const FRAME_BYTES = 64;
const LATENCIES = 2_000;
const THROUGHPUT = 8_000;
const IN_FLIGHT = 64;
const VMCSS = 64;
const SPREAD_WARM_UP = 60;
const UNITS = { us: 1000, ns: 1 };
const round2 = (value) => Math.round(value * 100) / 100;

async function poll(condition) {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** L0 with its CPUs; `trace`: where all of them send their events. */
async function startHost(cpus, trace) {
  const l0 = startClient("l0-client.mjs");
  const address = await l0("start", trace === undefined ? {} : { trace });
  const events = trace === undefined ? [] : ["--trace", trace, "--host-name", "bench"];
  for (let cpu = 0; cpu < cpus; cpu++) await startService("cpu", "--id", `${cpu}`, "--l0", address, ...events);
  await poll(async () => (await l0("cpus")) === cpus);
  return l0;
}

/** One figure of ours and one of the floor per round. */
async function inTurn(runs, ours, reference) {
  const rounds = [];
  for (let run = 0; run < runs; run++) rounds.push({ reference: await reference(), ours: await ours() });
  return rounds;
}

function rowOf(name, unit, rounds, goal, runs) {
  const ratio = round2(median(rounds.map(({ ours, reference }) => ours / reference)));
  const scaled = (side) => round2(median(rounds.map((round) => round[side])) / UNITS[unit]);
  return {
    name,
    ratio,
    goal,
    met: meets(ratio, goal),
    ours: scaled("ours"),
    reference: scaled("reference"),
    unit,
    runs,
  };
}

/** `<= 1.15`, `>= 6`, `== 1`. */
function meets(value, goal) {
  if (goal === null) return null;
  const [operator, bound] = goal.split(" ");
  if (operator === "<=") return value <= Number(bound);
  if (operator === ">=") return value >= Number(bound);
  return value === Number(bound);
}

async function latencyRows({ l0, withEvents, echo }, runs) {
  const clear = async () => (await l0("clears", { count: LATENCIES / 4 })).p50;
  const floor = (kind) => async () => (await echo("latency", { kind, count: LATENCIES / 4 })).p50;
  for (const warm of [
    clear,
    floor("unary"),
    floor("streamed"),
    floor("tcp"),
    () => withEvents("clears", { count: LATENCIES }),
  ])
    for (let round = 0; round < 4; round++) await warm();
  const rounds = [];
  for (let run = 0; run < runs; run++) {
    const tails = await l0("clears", { count: LATENCIES });
    rounds.push({
      streamed: await floor("streamed")(),
      clear: await clear(),
      unary: await floor("unary")(),
      tcp: await floor("tcp")(),
      evented: (await withEvents("clears", { count: LATENCIES / 4 })).p50,
      eventless: await clear(),
      p99: tails.p99,
      p50: tails.p50,
    });
  }
  const against = (name, ours, reference, goal) =>
    rowOf(
      name,
      "us",
      rounds.map((round) => ({ ours: round[ours], reference: round[reference] })),
      goal,
      runs,
    );
  return [
    against("cross-CPU clear p50 / bare stream echo p50", "clear", "streamed", "<= 1.15"),
    against("cross-CPU clear p50 / bare unary call p50", "clear", "unary", "<= 0.5"),
    against("cross-CPU clear p50 / raw TCP ping-pong p50", "clear", "tcp", null),
    against("cross-CPU clear p99 / its p50", "p99", "p50", "<= 3"),
    against("clear p50 with events / without", "evented", "eventless", "<= 1.05"),
  ];
}

async function throughputRows({ l0, echo }, runs) {
  const args = { count: THROUGHPUT, inFlight: IN_FLIGHT };
  const clears = () => l0("throughput", args);
  const calls = (kind) => echo("throughput", { ...args, kind });
  await clears();
  await calls("unary");
  await calls("streamed");
  const rounds = [];
  for (let run = 0; run < runs; run++)
    rounds.push({ clears: await clears(), unary: await calls("unary"), streamed: await calls("streamed") });
  // A rate is the inverse of a time: ours / reference of the rates is reference / ours of the times.
  const faster = (name, reference, goal) => {
    const row = rowOf(
      name,
      "us",
      rounds.map((round) => ({ ours: round[reference].value, reference: round.clears.value })),
      goal,
      runs,
    );
    return { ...row, ours: row.reference, reference: row.ours };
  };
  const cpu = await inTurn(
    runs,
    async () => (await l0("cpuOneByOne", { count: LATENCIES })).cpuNs,
    async () => (await echo("cpuOneByOne", { kind: "streamed", count: LATENCIES })).cpuNs,
  );
  return [
    faster("clears per second / unary calls per second, 64 in flight", "unary", ">= 6"),
    faster("clears per second / stream echoes per second, 64 in flight", "streamed", null),
    rowOf("L0's CPU time per clear / bare echo client's", "us", cpu, "<= 2", runs),
  ];
}

async function spreadRows({ l0, echoes }, runs) {
  const rounds = [];
  const bare = [];
  // Until nobody interprets bytecode any more: 8 clears per process and round are few.
  for (let round = 0; round < SPREAD_WARM_UP; round++) {
    await l0("spread", { count: VMCSS, cpus: CPUS });
    await echoes("spread", { count: VMCSS });
  }
  for (let run = 0; run < runs * 4; run++) {
    const ours = await l0("spread", { count: VMCSS, cpus: CPUS });
    const floor = await echoes("spread", { count: VMCSS });
    rounds.push({ ours: ours.together, reference: ours.sequential });
    bare.push({ ours: floor.together, reference: floor.sequential });
  }
  const inverse = (rows, name, goal) => {
    const row = rowOf(name, "us", rows, null, runs * 4);
    const times = round2(median(rows.map(({ ours, reference }) => reference / ours)));
    return { ...row, ratio: times, goal, met: meets(times, goal) };
  };
  return [
    inverse(rounds, `${VMCSS} VMCSs on ${CPUS} CPUs: one after another / all at once`, ">= 14"),
    inverse(bare, `bare echoes to ${CPUS} processes: ${VMCSS} one after another / ${CPUS} at once`, null),
  ];
}

async function roundTripRows({ l0 }) {
  const { here, withClear } = await l0("entries");
  const row = (name, count, goal) => {
    return {
      name,
      ratio: count,
      goal,
      met: meets(count, goal),
      ours: count,
      reference: 1,
      unit: "round trips",
      runs: 1,
    };
  };
  return [
    row("nested entry, vmcs02 on the right CPU", here, "== 1"),
    row("nested entry with a cross-CPU clear", withClear, "== 2"),
  ];
}

async function sizeRows() {
  const { large, small } = await sizes();
  const rounds = [{ ours: large, reference: small }];
  return [rowOf("a move, 64 CPUs and 10,000 vcpus / 2 CPUs and 2 vcpus", "us", rounds, "<= 1.2", 7)];
}

async function rowsOf(runs, directory) {
  const trace = await startService("trace", "--dir", join(directory, "history"));
  const l0 = await startHost(CPUS);
  const withEvents = await startHost(2, trace);
  const servers = [];
  for (let cpu = 0; cpu < CPUS; cpu++) servers.push({ ...(await startEcho()), bytes: FRAME_BYTES });
  const echo = startClient("echo-client.mjs");
  await echo("connect", servers.slice(0, 1));
  const echoes = startClient("echo-client.mjs");
  await echoes("connect", servers);
  const parts = { l0, withEvents, echo, echoes };
  const isSeparate = separate();
  const pairs = [...(await latencyRows(parts, runs)), ...(await throughputRows(parts, runs))];
  // Many CPUs at once are to have all there is.
  if (isSeparate) reunite();
  return [...pairs, ...(await roundTripRows(parts)), ...(await spreadRows(parts, runs)), ...(await sizeRows())];
}

const HELP = `npm run bench -- interconnect [--json] [--runs N]
  --json    the result as one document, vmcslab.bench/v1
  --runs N  each ratio is the median of N rounds (default 9)`;

function describe(rows) {
  const cells = ({ name, ratio, goal, met, ours, reference, unit }) => {
    const verdict = met === null ? "" : met ? "  met" : "  MISSED";
    return `${name.padEnd(62)} ${String(ratio).padStart(8)} ${String(goal ?? "-").padStart(8)} ${String(ours).padStart(10)} ${String(reference).padStart(10)} ${unit}${verdict}`;
  };
  const head = `${"".padEnd(62)} ${"ratio".padStart(8)} ${"goal".padStart(8)} ${"ours".padStart(10)} ${"reference".padStart(10)}`;
  return [head, ...rows.map(cells)].join("\n");
}

/** Prints the table, or with --json one document. */
export async function run(args) {
  const values = parseBench(args, { help: HELP, runs: 9 });
  if (values === undefined) return;
  const { runs } = values;
  const directory = mkdtempSync(join(tmpdir(), "vmcslab-bench-interconnect-"));
  try {
    const rows = await rowsOf(runs, directory);
    const machine = machineOf();
    console.log(values.json ? documentOf(rows, machine) : describe(rows));
  } finally {
    stopAll();
    rmSync(directory, { recursive: true, force: true });
  }
}
