/** `npm run bench -- journal`: what a record costs until it is durable, next to a bare write or publish in the same run. */
import { spawn, spawnSync } from "node:child_process";
import { closeSync, fdatasync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { connectNats } from "../../packages/runtime/dist/bus/nats/connection.js";
import { openJournal, systemClock } from "../../packages/runtime/dist/index.js";
import { documentOf, machineOf, parseBench } from "../command-line.mjs";

const RECORD = Buffer.alloc(200, 7);
const CONCURRENT = 64;
const RUN_MS = 150;
const ATTEMPTS = 50;
const round2 = (value) => Math.round(value * 100) / 100;
const sync = promisify(fdatasync);

/** Microseconds per record: the fastest of `runs` runs, because other work on the machine only ever adds. */
async function measure(once, records, runs) {
  await once();
  const times = [];
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    let count = 0;
    while (performance.now() - start < RUN_MS) {
      await once();
      count += records;
    }
    times.push(((performance.now() - start) * 1000) / count);
  }
  return Math.min(...times);
}

async function rowsOf(name, journal, floor, runs) {
  await journal.read();
  const rows = [];
  for (const records of [1, CONCURRENT]) {
    const append = async () => {
      for (let i = 0; i < records; i++) journal.append(RECORD);
      await journal.durable();
    };
    const ours = round2(await measure(append, records, runs));
    const reference = round2(await measure(() => floor(records), records, runs));
    const label = `${name}, ${records === 1 ? "alone" : `${records} at a time`}`;
    rows.push({
      name: label,
      ratio: round2(reference / ours),
      goal: null,
      met: null,
      ours,
      reference,
      unit: "us",
      runs,
    });
  }
  await journal.close();
  return rows;
}

async function fileRows(directory, isSynced, runs) {
  const name = isSynced ? "file?sync" : "file";
  const fd = openSync(join(directory, `${name}.floor`), "a");
  const floor = async (records) => {
    for (let i = 0; i < records; i++) writeSync(fd, RECORD);
    if (isSynced) await sync(fd);
  };
  const spec = { kind: "file", path: join(directory, isSynced ? "synced" : "plain"), sync: isSynced };
  const rows = await rowsOf(name, await openJournal(spec, { host: "bench", clock: systemClock }), floor, runs);
  closeSync(fd);
  return rows;
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function connected(url) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await connectNats(url, "floor", systemClock);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await systemClock.sleep(100);
    }
  }
}

async function natsRows(directory, runs) {
  if (spawnSync("nats-server", ["--version"]).status !== 0) return [];
  const port = await freePort();
  const server = spawn("nats-server", ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", join(directory, "nats")]);
  try {
    const url = `127.0.0.1:${port}`;
    const connection = await connected(url);
    const stream = await connection.eventStream();
    let id = 0;
    const publish = () => stream.publish("vmcslab.bench.floor.batch", RECORD, String(id++));
    const floor = (records) => Promise.all(Array.from({ length: records }, publish));
    const journal = await openJournal({ kind: "nats" }, { host: "bench", clock: systemClock, natsUrl: url });
    const rows = await rowsOf("nats", journal, floor, runs);
    await connection.drain();
    return rows;
  } finally {
    server.kill();
  }
}

const HELP = `npm run bench -- journal [--json] [--runs N]
  --json    the result as one document, vmcslab.bench/v1
  --runs N  each case is the fastest of N runs of about 0.15 s (default 5)`;

function describe(rows) {
  const line = ({ name, ours, reference, ratio }) =>
    `${name.padEnd(32)} ${String(ours).padStart(10)} ${String(reference).padStart(10)} ${String(ratio).padStart(8)}`;
  return [line({ name: "us per record", ours: "ours", reference: "bare", ratio: "ratio" }), ...rows.map(line)].join(
    "\n",
  );
}

/** Prints the table, or with --json one document. */
export async function run(args) {
  const values = parseBench(args, { help: HELP, runs: 5 });
  if (values === undefined) return;
  const { runs } = values;
  const directory = mkdtempSync(join(tmpdir(), "vmcslab-bench-journal-"));
  try {
    const rows = [
      ...(await fileRows(directory, false, runs)),
      ...(await fileRows(directory, true, runs)),
      ...(await natsRows(directory, runs)),
    ];
    const machine = machineOf();
    console.log(values.json ? documentOf(rows, machine) : describe(rows));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
