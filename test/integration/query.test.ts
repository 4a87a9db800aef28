import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportParquet, type QueryOptions, type QueryValue, runQuery } from "@vmcslab/lab/query";
import { systemClock } from "@vmcslab/runtime/clock";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT, vmcslab } from "./cli-process.js";

const FAULTED = `name: queried
seed: 7
machine: { cpus: 2, vcpus: 2, poolSize: 1 }
workload: { roundRobin: { entries: 24, migrations: every 3 entries } }
faults:
  - { name: slow, at: 1us, for: 10s, match: { method: batch }, do: { delay: { uniform: { min: 5us, max: 50us } } } }
`;
const SWEPT = `name: swept
seed: 7
machine: { cpus: 2, vcpus: 2 }
workload: { roundRobin: { entries: 6, migrations: every 3 entries } }
matrix: { machine.poolSize: [1, 2] }
repetitions: 2
`;

let folder = "";
let run = "";
let events: Record<string, unknown>[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "vmcslab-query-"));
  run = join(folder, "queried", "latest");
  for (const [name, text] of Object.entries({ queried: FAULTED, swept: SWEPT })) {
    writeFileSync(join(folder, `${name}.yaml`), text);
    await vmcslab(["run", join(folder, `${name}.yaml`), "--simulate", "-q", "--runs-dir", folder]);
  }
  events = await recorded();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Row = Record<string, QueryValue>;

async function ask(sql: string, more: Partial<QueryOptions> = {}): Promise<Row[]> {
  const found: Row[] = [];
  const options = { folder: run, sql, timeoutMs: 20_000, memory: "256MB", clock: systemClock, ...more };
  await runQuery(options, async ({ columns, blocks }) => {
    for await (const block of blocks)
      for (const row of block) found.push(Object.fromEntries(columns.map((name, index) => [name, row[index] ?? null])));
  });
  return found;
}

async function recorded(): Promise<Record<string, unknown>[]> {
  const { stdout } = await vmcslab(["history", run, "--ndjson"]);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

describe("the tables", () => {
  it("have every event with every field, as vmcslab history prints them", async () => {
    const rows = await ask("SELECT * FROM events");
    const key = (value: { source?: unknown; incarnation?: unknown; seq?: unknown }): string =>
      `${value.source}/${value.incarnation}/${value.seq}`;
    const bySource = new Map(rows.map((row) => [key(row), row]));
    expect(rows.length).toBe(events.length);
    for (const event of events) {
      const { from, to, toL1, wallUs, monoNs, order, timing, ...same } = event;
      const isRecycle = event.kind === "pool.recycle";
      const expected = {
        ...same,
        ...{ wall_us: wallUs, mono_ns: monoNs, to_cpu: to ?? null, to_l1: toL1 ?? null, pool_order: order ?? null },
        ...{ from_cpu: isRecycle ? null : (from ?? null), from_vmptr: isRecycle ? (from ?? null) : null },
        handed_ns: typeof timing === "object" && timing !== null && "handedNs" in timing ? timing.handedNs : null,
      };
      expect(bySource.get(key(event))).toMatchObject(expected);
    }
  });

  it("have each clear once, whose phases add up, and whose vcpu is known", async () => {
    const acked = events.filter(({ kind }) => kind === "ipi.acked").length;
    expect(acked).toBeGreaterThan(0);
    const [row] = await ask(`SELECT count(*) AS clears, count(vcpu) AS vcpus, count(*) FILTER (duration_ns =
      queued_ns + wire_ns + waiting_ns + executing_ns + flush_ns + back_ns + completing_ns) AS sums FROM clears`);
    expect(row).toEqual({ clears: acked, vcpus: acked, sums: acked });
  });

  it("have operations with their ends, the fault, and the numbers of result.json", async () => {
    const [operations] = await ask(
      "SELECT count(*) AS n, count(end_ns) AS ended, min(duration_ns) AS least FROM operations",
    );
    const begun = events.filter(({ kind }) => kind === "op.begin").length;
    expect(operations).toMatchObject({ n: begun, ended: begun });
    expect(operations?.least).toBeGreaterThanOrEqual(0);
    const injected = events.filter(({ kind }) => kind === "fault.injected").length;
    expect(await ask("SELECT name, count(*) AS n FROM faults GROUP BY name")).toEqual([{ name: "slow", n: injected }]);
    const { clears } = JSON.parse(readFileSync(join(run, "result.json"), "utf8"));
    expect(await ask("SELECT value FROM result WHERE name = 'clears.crossCpu'")).toEqual([{ value: clears.crossCpu }]);
  });

  it("of a study have the columns cell and repetition", async () => {
    const rows = await ask("SELECT cell, repetition, count(*) > 100 AS many FROM events GROUP BY ALL ORDER BY ALL", {
      folder: join(folder, "swept"),
    });
    expect(rows).toEqual(
      ["poolSize=1", "poolSize=2"].flatMap((cell) => [1, 2].map((repetition) => ({ cell, repetition, many: true }))),
    );
    const cell = await ask("SELECT DISTINCT cell, repetition FROM clears ORDER BY ALL", {
      folder: join(folder, "swept", "latest", "cells", "poolSize=2"),
    });
    expect(cell).toEqual([1, 2].map((repetition) => ({ cell: "poolSize=2", repetition })));
  });

  it("have the units of load.csv", async () => {
    const csv = join(run, "load.csv");
    writeFileSync(csv, "phase,intended_us,sent_us,done_us\nwarmup,1.000,2.000,3.000\nmeasured,4.500,,\n");
    expect(await ask("SELECT * FROM load ORDER BY intended_us")).toEqual([
      { phase: "warmup", intended_us: 1, sent_us: 2, done_us: 3 },
      { phase: "measured", intended_us: 4.5, sent_us: null, done_us: null },
    ]);
    rmSync(csv);
    expect(await ask("SELECT * FROM load")).toEqual([]);
  });
});

describe("the store", () => {
  it("is made once, and again when the history has changed", async () => {
    const store = join(run, "store", "events.duckdb");
    await ask("SELECT 1");
    const made = statSync(store).ino;
    await ask("SELECT 1");
    expect(statSync(store).ino).toBe(made);
    utimesSync(join(run, "result.json"), 1, 1);
    await ask("SELECT 1");
    expect(statSync(store).ino).not.toBe(made);
  });

  it("is not changed by a query, whatever it tries", async () => {
    const digest = () =>
      createHash("sha256")
        .update(readFileSync(join(run, "store", "events.duckdb")))
        .digest("hex");
    await ask("SELECT 1");
    const before = digest();
    const out = join(folder, "out.csv");
    for (const [sql, message] of [
      ["DELETE FROM run0.events", "DELETE is refused"],
      ["CREATE TABLE run0.x (i INT)", "CREATE is refused"],
      [`COPY events TO '${out}'`, "files are out of its reach"],
      [`EXPLAIN ANALYZE COPY events TO '${out}'`, "files are out of its reach"],
      [`SELECT * FROM read_csv('${run}/experiment.yaml')`, "files are out of its reach"],
      [`ATTACH '${out}'`, "ATTACH is refused"],
      ["SET memory_limit = '9GB'", "SET is refused"],
      ["SELECT 1; SELECT 2", "give one statement, not 2"],
      [" ", "the query is empty"],
    ] as const)
      await expect(ask(sql), sql).rejects.toThrow(message);
    expect(existsSync(out)).toBe(false);
    expect(digest()).toBe(before);
  });
});

describe("limits", () => {
  it("interrupt what takes too long", async () => {
    const endless = "SELECT count(*) FROM range(100000000000) a, range(1000000) b";
    await expect(ask(endless, { timeoutMs: 200 })).rejects.toThrow("the query took longer than 0.2 s");
  });

  it("refuse what needs too much memory", async () => {
    await expect(ask("SELECT list(range) FROM range(100000000)", { memory: "64MB" })).rejects.toThrow(
      "the query needs more than 64MB",
    );
  });
});

describe("docs/query.md", () => {
  const page = readFileSync(join(ROOT, "docs", "query.md"), "utf8");
  const examples = [...page.matchAll(/^```sql\n([\s\S]*?)^```/gm)].map(([, sql = ""]) => sql);
  it("has examples", () => expect(examples.length).toBeGreaterThan(5));
  it.each(examples.map((sql) => [sql.split("\n", 1)[0], sql]))("%s …", async (_, sql = "") => {
    expect((await ask(sql)).length).toBeGreaterThan(0);
  });

  it("finds the VMCSs that are active, as the loads and clears of each CPU in turn leave them", async () => {
    const [sql = ""] = examples.filter((example) => example.includes("AS active"));
    const loads = events.filter(({ kind }) => kind === "vmcs.load").map(({ wallUs }) => Number(wallUs));
    const atUs = Math.floor((Math.min(...loads) + Math.max(...loads)) / 2);
    const active = new Map<unknown, Set<number>>();
    for (const { kind, source, cpu, region, wallUs } of events) {
      if (!String(source).startsWith("cpu") || Number(wallUs) > atUs) continue;
      const regions = active.get(cpu) ?? new Set();
      active.set(cpu, regions);
      if (kind === "vmcs.load") regions.add(Number(region));
      if (kind === "vmcs.clear") regions.delete(Number(region));
      if (kind === "vmx.on" || kind === "vmx.off" || kind === "lease.expired") regions.clear();
    }
    const expected = [...active]
      .filter(([, regions]) => regions.size > 0)
      .map(([cpu, regions]) => ({ cpu, active: [...regions].sort((left, right) => left - right) }))
      .sort((left, right) => Number(left.cpu) - Number(right.cpu));
    expect(await ask(sql)).toEqual(expected);
  });
});

describe("vmcslab query", () => {
  it("prints rows, and says with exit code 2 that a history is cut off", async () => {
    const file = join(run, "history", "queried.l0.1.events");
    const whole = readFileSync(file);
    writeFileSync(file, whole.subarray(0, whole.length - 3));
    const cut = await vmcslab(["query", run, "SELECT count(*) > 100 AS many FROM events", "-f", "csv"]);
    writeFileSync(file, whole);
    expect(cut).toMatchObject({ exitCode: 2, stdout: "many\ntrue\n" });
    expect(cut.stderr).toContain("queried.l0.1.events");
    const again = await vmcslab(["query", run, "SELECT count(*) AS n FROM events", "-f", "csv"]);
    expect(again).toEqual({ exitCode: 0, stdout: `n\n${events.length}\n`, stderr: "" });
  });

  it("says where SQL is wrong", async () => {
    const { exitCode, stderr } = await vmcslab(["query", run, "SELECT nope FROM clears"]);
    expect(exitCode).toBe(64);
    expect(stderr).toMatch(/^vmcslab: the query: Binder Error: Referenced column "nope" not found/);
    expect(stderr).toContain("LINE 1: SELECT nope FROM clears\n               ^");
  });

  it("writes Parquet files that hold the tables", async () => {
    const out = join(folder, "tables");
    const { files } = await exportParquet(run, out, "256MB");
    expect(files.map((file) => file.slice(out.length + 1))).toEqual(
      ["events", "clears", "operations", "faults", "load", "result"].map((name) => `${name}.parquet`),
    );
    for (const file of files) expect(readFileSync(file).subarray(0, 4).toString()).toBe("PAR1");
  });
});
