// The tables of docs/studies.md, each from the summary.json of its study.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const PHASES = ["queued", "wire", "waiting", "executing", "flush", "back", "completing"];

/** The cell with these values, by the last part of each path. */
function cellOf({ cells }, wanted) {
  const found = cells.find(({ values }) =>
    Object.entries(values).every(([path, value]) => {
      const name = path.split(".").at(-1);
      return (
        !(name in wanted) || String(wanted[name]) === String(typeof value === "object" ? Object.keys(value)[0] : value)
      );
    }),
  );
  if (found === undefined) throw new Error(`no cell with ${JSON.stringify(wanted)}`);
  return found;
}

function number(value, digits) {
  return value === undefined ? "–" : value.toFixed(digits);
}

/** Median with its 95 % interval. */
function median(cell, metric, digits = 0) {
  const found = cell.metrics[metric];
  if (found === undefined) return "–";
  const { median: middle, interval } = found;
  return interval === undefined
    ? number(middle, digits)
    : `${number(middle, digits)} [${number(interval.low, digits)}, ${number(interval.high, digits)}]`;
}

function value(cell, metric) {
  return cell.metrics[metric]?.median;
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, column) => (column === 0 ? "---" : "--:"))), ...rows.map(line)].join("\n");
}

/** When, on what, how often. */
function origin(summary) {
  const { machine } = anyResult(summary, "processes") ?? {};
  const { simulation } = anyResult(summary, "simulated") ?? {};
  const where =
    machine === undefined
      ? ""
      : `${machine.cpus} CPUs (${machine.cpuModel}), ${Math.round(machine.memoryMiB / 1024)} GiB, Node.js ${machine.node}`;
  const model = simulation === undefined ? "" : `cost model ${simulation.costModel}, ${simulation.ghz} GHz`;
  return `${summary.startedAt.slice(0, 10)}, seed ${summary.seed}, ${summary.repetitions} repetitions${where === "" ? "" : `; ${where}`}${model === "" ? "" : `; ${model}`}.`;
}

function anyResult({ cells, folder }, way) {
  const cell = cells.find((candidate) => candidate.way === way);
  const run = cell?.repetitions[0];
  if (run === undefined) return undefined;
  return JSON.parse(readFileSync(join(folder, "cells", cell.name, String(run.repetition), "result.json"), "utf8"));
}

function clearPhases(summary) {
  const rows = (way, digits) =>
    ["l2", "l1", "idle"].flatMap((what) =>
      [0, 8, 24].map((fieldsWritten) => {
        const cell = cellOf(summary, { while: what, fieldsWritten, way });
        const phases = PHASES.map((phase) => number(value(cell, `crossCpuClear.phases.${phase}.meanUs`), digits));
        return [
          what,
          fieldsWritten,
          median(cell, "crossCpuClear.meanUs", digits),
          ...phases,
          ...(way === "processes"
            ? [median(cell, "crossCpuClear.latencyUs.p50"), median(cell, "crossCpuClear.latencyUs.p99")]
            : []),
        ];
      }),
    );
  const head = ["runs", "fields", "mean", ...PHASES];
  return [
    origin(summary),
    "Live, µs: the mean of a clear, those of its phases, and two percentiles; medians over the repetitions, with 95 % intervals.",
    table([...head, "p50", "p99"], rows("processes", 1)),
    "Predicted, µs:",
    table(head, rows("simulated", 3)),
  ].join("\n\n");
}

const GUESTS = [1, 2, 4, 8, 16];
const SIZES = [1, 2, 4, 8, 16];
const RATES = ["never", "every 50 entries", "every 5 entries"];

function poolSize(summary) {
  const { ghz } = anyResult(summary, "simulated").simulation;
  const cells = (preparation, l2Guests, migrations) => [
    ...SIZES.map((poolSize) => cellOf(summary, { design: "pool", preparation, poolSize, l2Guests, migrations })),
    cellOf(summary, { design: "single", preparation, l2Guests, migrations }),
  ];
  const head = ["preparation", "L2 guests", ...SIZES.map((size) => `pool ${size}`), "single"];
  const rows = (migrations, show) =>
    ["full", "incremental"].flatMap((preparation) =>
      GUESTS.map((l2Guests) => [preparation, l2Guests, ...cells(preparation, l2Guests, migrations).map(show)]),
    );
  const cycles = (cell) => number((value(cell, "load.serviceUs.mean") ?? Number.NaN) * 1_000 * ghz, 0);
  return [
    origin(summary),
    ...RATES.flatMap((migrations) => [
      `Moves: ${migrations}. Mean cycles of an entry with its exit, and the move if there is one:`,
      table(head, rows(migrations, cycles)),
    ]),
    "VMWRITEs to vmcs02s per entry, no moves:",
    table(
      head,
      rows("never", (cell) => number(value(cell, "nestedEntry.vmwrites.mean"), 1)),
    ),
    "Round trips per entry, moves every 5 entries:",
    table(
      head,
      rows("every 5 entries", (cell) => number(value(cell, "nestedEntry.roundTrips.mean"), 2)),
    ),
    breakEven(summary, ghz),
    sameAsOne(summary),
  ].join("\n\n");
}

/** What a pool that holds all of 16 guests saves per entry, what each of its VMCSs costs per move, and so how many entries there must be between two moves. */
function breakEven(summary, ghz) {
  const of = (design, preparation, poolSize, migrations) =>
    (value(cellOf(summary, { design, preparation, poolSize, l2Guests: 16, migrations }), "load.serviceUs.mean") ??
      Number.NaN) *
    1_000 *
    ghz;
  const saved = of("single", "full", 1, "never") - of("pool", "incremental", 16, "never");
  const perMove = (of("pool", "full", 16, "every 50 entries") - of("pool", "full", 1, "every 50 entries")) * 50;
  const each = perMove / 15;
  return `Sixteen guests, a pool for all of them, incremental: ${number(saved, 0)} cycles saved per entry; each vmcs02 beyond the first costs ${number(each, 0)} cycles per move. So a pool of n pays from ${number(each / saved, 1)} × (n − 1) entries between two moves.`;
}

/** Size 0 is meant to behave as 1, and a single vmcs02 as a pool of 1 where there is one guest: whether they did. */
function sameAsOne({ cells }) {
  const same = (candidates, change) => {
    const alike = candidates.filter((cell) => {
      const wanted = { ...cell.values, ...change };
      const other = cells.find(({ values }) => Object.entries(values).every(([path, at]) => at === wanted[path]));
      return other !== undefined && JSON.stringify(other.metrics) === JSON.stringify(cell.metrics);
    });
    return `${alike.length} of ${candidates.length}`;
  };
  const zeros = cells.filter(({ values }) => values["machine.poolSize"] === 0);
  const alone = cells.filter(
    ({ values }) => values["machine.design"] === "single" && values["workload.roundRobin.l2Guests"] === 1,
  );
  return `Number by number, size 0 behaved as size 1 in ${same(zeros, { "machine.poolSize": 1 })} cells, and with one L2 guest a single vmcs02 as a pool of 1 in ${same(alone, { "machine.design": "pool" })}.`;
}

function poolLive(summary) {
  const rows = [
    ["pool", 1],
    ["pool", 4],
    ["single", 1],
  ].flatMap(([design, poolSize]) =>
    ["full", "incremental"].flatMap((preparation) =>
      ["never", "every 5 entries"].map((migrations) => {
        const of = (way) => cellOf(summary, { design, poolSize, preparation, migrations, way });
        const [live, predicted] = [of("processes"), of("simulated")];
        return [
          design === "single" ? "single" : `pool ${poolSize}`,
          preparation,
          migrations,
          number(value(live, "nestedEntry.vmwrites.mean"), 1),
          number(value(live, "nestedEntry.roundTrips.mean"), 2),
          median(live, "load.serviceUs.mean"),
          median(live, "operations.vmresume.latencyUs.p50"),
          number(value(predicted, "nestedEntry.vmwrites.mean"), 1),
          number(value(predicted, "nestedEntry.roundTrips.mean"), 2),
          number(value(predicted, "load.serviceUs.mean"), 3),
        ];
      }),
    ),
  );
  const head = [
    "design",
    "preparation",
    "moves",
    "VMWRITEs",
    "round trips",
    "unit mean µs",
    "vmresume p50 µs",
    "predicted VMWRITEs",
    "round trips",
    "unit mean µs",
  ];
  return [
    origin(summary),
    "Per nested entry, live and predicted. A unit is an entry with its exit, L1's look at what L2 left, and the move if there is one.",
    table(head, rows),
  ].join("\n\n");
}

function teardown(summary) {
  const WAYS = ["oneByOne", "perCpu", "atOnce"];
  const rows = [
    [2, 2],
    [8, 2],
    [8, 8],
    [32, 2],
    [32, 8],
  ].map(([l2Guests, spread]) => {
    const of = (clearing, way) => cellOf(summary, { clearing, l2Guests, spread, way });
    const factor = (way) =>
      number(value(of("oneByOne", way), "load.serviceUs.mean") / value(of("atOnce", way), "load.serviceUs.mean"), 1);
    return [
      l2Guests,
      spread,
      ...WAYS.map((clearing) => median(of(clearing, "processes"), "load.serviceUs.mean")),
      factor("processes"),
      ...WAYS.map((clearing) => number(value(of(clearing, "simulated"), "load.serviceUs.mean"), 2)),
      factor("simulated"),
    ];
  });
  const head = [
    "VMCSs",
    "CPUs",
    ...WAYS.map((way) => `${way} µs`),
    "factor",
    ...WAYS.map((way) => `${way} predicted µs`),
    "factor",
  ];
  return [origin(summary), "Mean time of L1's VMXOFF; factor is oneByOne divided by atOnce.", table(head, rows)].join(
    "\n\n",
  );
}

function slowCpu(summary) {
  const rows = [
    ["nothing", 0, "5ms"],
    ["5 ms", 1, "5ms"],
    ["20 ms", 1, "20ms"],
  ].flatMap(([late, probability, constant]) =>
    ["closed", "open"].map((load) => {
      const cell = cellOf(summary, { probability, constant, load });
      const of = (metric) => median(cell, metric, 0);
      return [
        late,
        load,
        of("load.donePerSecond"),
        of("crossCpuClear.latencyUs.p50"),
        of("crossCpuClear.latencyUs.p99"),
        of("load.serviceUs.p50"),
        of("load.serviceUs.p99"),
        of("load.responseUs.p50"),
        of("load.responseUs.p99"),
      ];
    }),
  );
  const head = [
    "CPU 1 is late by",
    "load",
    "moves/s",
    "clear p50",
    "clear p99",
    "service p50",
    "service p99",
    "response p50",
    "response p99",
  ];
  return [origin(summary), "Times in µs.", table(head, rows)].join("\n\n");
}

export const STUDIES = {
  "clear-phases": clearPhases,
  "pool-size": poolSize,
  "pool-live": poolLive,
  teardown,
  "slow-cpu": slowCpu,
};
