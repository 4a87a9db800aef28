import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RandomStream } from "@vmcslab/faults";
import { CLEAR_PHASES } from "@vmcslab/history";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CellParts, clearSamples, type Sample, writeRun, writeStudy } from "../../../test-support/run-folder.js";
import { openSource } from "../read/source.js";
import { reportPage, writeReport } from "../write-report.js";
import { heatMap } from "./heat-map.js";
import { html } from "./html.js";
import type { PageData, Plot } from "./plots.js";
import type { SweepData } from "./sweep.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vmcslab-page-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function pageOf(...paths: string[]): Promise<string> {
  return await reportPage(await Promise.all(paths.map(openSource)));
}

function dataOf(page: string): PageData {
  const [, json = ""] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page) ?? [];
  return JSON.parse(json);
}

function plotsOf(page: string, name: string): readonly Plot[] {
  return dataOf(page).plots[name] ?? [];
}

/** What of a page a reader sees without a script. */
function textOf(page: string): string {
  return page
    .replace(/<(script|style)[^>]*>.*?<\/\1>/gs, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ");
}

describe("a known distribution and a known stall are both in the report", () => {
  // Exponential with mean 1,000 µs, one each 0.1 ms; and from 700 ms on, for 20 ms, everything takes until the stall is over.
  const stream = new RandomStream("known");
  const [stallFrom, stallTo] = [700, 720];
  const samples: Sample[] = Array.from({ length: 20_000 }, (_, i) => {
    const atMs = i * 0.1;
    const us = -1_000 * Math.log(1 - stream.unit());
    const isStalled = atMs >= stallFrom && atMs < stallTo;
    return {
      name: "load.response",
      atMs: isStalled ? stallTo : atMs,
      us: us + (isStalled ? (stallTo - atMs) * 1_000 : 0),
    };
  });

  it("the percentile curve is that of the distribution", async () => {
    writeRun(folder, { samples });
    const [plot] = plotsOf(await pageOf(folder), "s0-percentiles");
    const [series] = plot?.series ?? [];
    expect(series?.label).toBe("response");
    const at = (x: number) => series?.y[series.x.findIndex((found) => Math.abs(found / x - 1) < 0.01)] ?? Number.NaN;
    // One in a hundred is the stall's: it moves what is slower than that, and hardly what is faster.
    expect(at(2) / (1_000 * Math.LN2)).toBeCloseTo(1, 1);
    expect(at(4) / (1_000 * Math.log(4))).toBeCloseTo(1, 1);
    expect(at(8) / (1_000 * Math.log(8))).toBeCloseTo(1, 1);
    // Half of the 200 stalled ones waited for 10 ms or more.
    expect(at(256) / 1_000).toBeGreaterThan(8);
    expect(at(2_048) / 1_000).toBeGreaterThan(18);
    expect(series?.y.every((value, index) => index === 0 || (value ?? 0) >= (series.y[index - 1] ?? 0))).toBe(true);
  });

  it("the stall is where it was, marked with its fault", async () => {
    const faults = [{ name: "pause", action: "stall", cpu: 2, fromMs: stallFrom, toMs: stallTo }];
    writeRun(folder, { samples, faults });
    const page = await pageOf(folder);
    const [plot] = plotsOf(page, "s0-time");
    const max = plot?.series.find(({ label }) => label === "max");
    const worst = Math.max(...(max?.y ?? []).map((value) => value ?? 0));
    const when = max?.x[max.y.indexOf(worst)] ?? Number.NaN;
    // As long as the stall, and then some of what takes long anyway; nothing else comes near it.
    expect(worst / 1_000).toBeGreaterThan(19);
    const others = max?.y
      .filter((_, index) => Math.abs((max.x[index] ?? 0) - stallTo) >= 17)
      .map((value) => value ?? 0);
    expect(Math.max(...(others ?? []))).toBeLessThan(worst * 0.75);
    expect(Math.abs(when - stallTo)).toBeLessThan(17);
    expect(plot?.bands).toEqual([{ from: stallFrom, to: stallTo, label: "pause, CPU 2" }]);
    expect(textOf(page)).toContain("pause stall 2 700.0 720.0");
  });
});

describe("cross-CPU clears on the page", () => {
  const shares = { queued: 0.1, wire: 0.2, waiting: 0.1, executing: 0.3, flush: 0.1, back: 0.15, completing: 0.05 };

  it("have phases that add up to the whole, and a map of pairs", async () => {
    writeRun(folder, { samples: [clearSamples(1, 100, "0-1", shares), clearSamples(2, 300, "3-0", shares)].flat() });
    const page = await pageOf(folder);
    const text = textOf(page);
    expect(text).toContain("they add up to the mean of the whole, 200 µs");
    for (const phase of CLEAR_PHASES)
      expect(text).toContain(`${phase} 2 ${(200 * shares[phase]).toFixed(1)} ${(100 * shares[phase]).toFixed(1)} %`);
    expect(text).toMatch(/p50: 100 to 300 µs/);
    expect(page).toContain("<title>caller on CPU 3, VMCS on CPU 0: 300 µs, 1 clears</title>");
  });

  it("a map of one value has no colours to divide", () => {
    expect(heatMap("p50", [{ from: 0, to: 1, count: 1, valueUs: 5 }]).text).not.toContain("NaN");
  });
});

it("64 CPUs fit on a page: their pairs as colours, the slowest as numbers", async () => {
  const pairs = Array.from({ length: 64 * 64 }, (_, i) => [i % 64, Math.floor(i / 64)] as const).filter(
    ([from, to]) => from !== to,
  );
  const samples = pairs.map(([from, to], i) => ({ name: `crossCpuClear.pair.${from}-${to}`, atMs: 1, us: 100 + i }));
  writeRun(folder, { samples: [...samples, { name: "crossCpuClear", atMs: 1, us: 100 }] });
  const page = await pageOf(folder);
  expect(page.length).toBeLessThan(700_000);
  expect(textOf(page)).toContain("Numbers of the 200 slowest by p99, of 4032 pairs");
  expect(page.match(/<path fill="#/g)).toHaveLength(20);
  expect([...page.matchAll(/M\d+ \d+h43/g)]).toHaveLength(2 * 4_032);
});

describe("a study on the page", () => {
  const stream = new RandomStream("study");
  /** A machine of processes is slower with a larger pool, the prediction is not; the flush is underestimated. */
  const cells: CellParts[] = [1, 4].flatMap((size) =>
    (["processes", "simulated"] as const).map((way) => ({
      name: `poolSize=${size},way=${way}`,
      values: { "machine.poolSize": size, way },
      way,
      runs: Array.from({ length: 6 }, () => {
        const isLive = way === "processes";
        const us = (isLive ? 1_000 * size : 10) * (1 + 0.02 * stream.unit());
        const flush = isLive ? 0.4 : 0.1;
        const rest = (1 - flush) / 6;
        const shares = Object.fromEntries(CLEAR_PHASES.map((phase) => [phase, phase === "flush" ? flush : rest]));
        return { samples: clearSamples(1, us, "0-1", shares) };
      }),
    })),
  );

  it("has its curves, with intervals", async () => {
    writeStudy(folder, cells);
    const sweep: SweepData = JSON.parse(JSON.stringify(dataOf(await pageOf(folder)).sweeps.s0));
    expect(sweep.axes).toEqual([
      { title: "poolSize", values: ["1", "4"] },
      { title: "way", values: ["processes", "simulated"] },
    ]);
    const metric = sweep.metrics.indexOf("crossCpuClear.latencyUs.p50");
    const cell = sweep.cells.find(({ at }) => at.join() === "1,0");
    const [median = 0, low = 0, high = 0] = cell?.of[metric] ?? [];
    expect(low).toBeLessThanOrEqual(median);
    expect(high).toBeGreaterThanOrEqual(median);
    expect(median / 4_000).toBeCloseTo(1, 1);
  });

  it("says in words where live and predicted differ beyond the interval", async () => {
    writeStudy(folder, cells);
    const text = textOf(await pageOf(folder));
    expect(text).toMatch(/poolSize 1: beyond the interval differ .*flush \(live 40\.0 %, predicted 10\.0 %\)/);
    expect(text).toMatch(
      /crossCpuClear\.meanUs : prediction and live differ beyond the interval in 1 of 1 cells: poolSize 4 \(live ×(3\.9|4\.0)\d, predicted ×(0\.9|1\.0)\d\)/,
    );
  });

  it("of too few repetitions says that aloud, and compares nothing", async () => {
    writeStudy(
      folder,
      cells.map((cell) => ({ ...cell, runs: cell.runs.slice(0, 3) })),
    );
    const text = textOf(await pageOf(folder));
    expect(text).toContain("too few samples in 4 of 4 cells: an interval takes 5 repetitions");
    expect(text).toContain("too few samples: an interval takes 5 repetitions.");
    expect(text).not.toContain("beyond the interval differ");
  });

  it("lists what is missing", async () => {
    writeStudy(folder, cells, {
      missing: [{ cell: "poolSize=4,way=processes", repetition: 6, why: "port in use" }],
      interrupted: "SIGINT",
    });
    const text = textOf(await pageOf(folder));
    expect(text).toContain("ended early by SIGINT");
    expect(text).toContain("missing: poolSize=4,way=processes, repetition 6: port in use");
  });

  it("a cell of it is a page too, all repetitions together", async () => {
    writeStudy(folder, cells);
    const page = await pageOf(join(folder, "cells", "poolSize=1,way=processes"));
    expect(textOf(page)).toContain("poolSize=1,way=processes: 6 repetitions");
    expect(textOf(page)).toMatch(/crossCpuClear 6 10\d\d/);
  });
});

describe("the page is one file", () => {
  it("that names nothing outside of itself, and stays below a megabyte", async () => {
    writeRun(folder, {
      samples: Array.from({ length: 5_000 }, (_, i) => ({ name: "operations.place", atMs: i, us: 1 + (i % 977) })),
    });
    const file = await writeReport([await openSource(folder)]);
    const page = readFileSync(file, "utf8");
    expect(file).toBe(join(folder, "report.html"));
    expect(page.length).toBeLessThan(400_000);
    expect(page).not.toMatch(/\b(?:src|href)=["'](?!data:)/);
    expect(page).toContain("default-src &#39;none&#39;");
    expect(page).not.toMatch(/@import|url\(/);
  });

  it("that takes what is in files for text", async () => {
    const evil = `</script><img src=x onerror="alert('1')">&`;
    writeRun(folder, {
      samples: [{ name: `operations.${evil}`, atMs: 1, us: 5 }],
      faults: [{ name: evil, action: evil, fromMs: 0 }],
      result: { experiment: evil, again: evil, gaps: [evil], verdict: "unknown" },
    });
    const page = await pageOf(folder);
    expect(page).not.toContain("<img");
    expect(page.match(/<\/script>/g)).toHaveLength(3);
    expect(dataOf(page).plots["s0-percentiles"]?.[0]?.series[0]?.label).toBe(evil);
    expect(html`<b title="${evil}">${[evil, 5]}</b>`.text).toBe(
      '<b title="&lt;/script&gt;&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;">&lt;/script&gt;&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;5</b>',
    );
  });

  it("also of several runs: over each other, then each", async () => {
    for (const [name, us] of [
      ["a", 5],
      ["b", 50],
      ["c", 500],
    ] as const)
      writeRun(join(folder, name), { samples: [{ name: "operations.place", atMs: 1, us }] });
    const page = await pageOf(...["a", "b", "c"].map((name) => join(folder, name)));
    expect(Object.keys(dataOf(page).plots)).toEqual([
      "together-percentiles",
      "s0-percentiles",
      "s1-percentiles",
      "s2-percentiles",
    ]);
    const [plot] = plotsOf(page, "together-percentiles");
    expect(plot?.series.map(({ label, y }) => [label, y[0]])).toEqual([
      ["a", 5],
      ["b", 50],
      ["c", 500],
    ]);
    expect(textOf(page)).not.toContain("A and B compared");
  });

  it("of two says what differs, and that one sample is too few", async () => {
    writeRun(join(folder, "a"), { settings: "machine: { poolSize: 1 }" });
    writeRun(join(folder, "b"), { settings: "machine: { poolSize: 4 }" });
    const text = textOf(await pageOf(join(folder, "a"), join(folder, "b")));
    expect(text).toContain(
      "A and B compared differs: machine.poolSize: A 1, B 4 too few samples: no number has an interval",
    );
  });

  it("of a run of an older version says what it lacks", async () => {
    writeRun(folder);
    rmSync(join(folder, "latencies.json"));
    expect(textOf(await pageOf(folder))).toContain("The run has no latencies.json: an older version wrote it.");
  });

  it("a damaged histogram is said to be one", async () => {
    writeRun(folder, { samples: [{ name: "operations.place", atMs: 1, us: 5 }] });
    const path = join(folder, "latencies.json");
    writeFileSync(
      path,
      readFileSync(path, "utf8").replace(/"operations.place":"[^"]*"/, '"operations.place":"HISTAAAA"'),
    );
    await expect(pageOf(folder)).rejects.toThrow("the histogram operations.place is damaged");
  });
});
