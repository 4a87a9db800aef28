import { CLEAR_PHASES, type HistoryEvent } from "@vmcslab/history";
import { decodeFromCompressedBase64 } from "hdr-histogram-js";
import { describe, expect, it } from "vitest";
import { Measurements } from "./measurements.js";
import { Warmup } from "./warmup.js";

const US = 1_000;
const SECOND = 1_000_000 * US;
/** By the machine's clocks, the workload begins then. */
const START_NS = 50 * SECOND;
const START_US = 1_700_000_000_000_000;

const ENVELOPE = { host: "h", incarnation: 1, seq: 1, lamport: 1, operation: 1 } as const;

/** A clear of so many microseconds from CPU 1 on CPU 0, decided so long after the start, with a flush of a quarter. */
function clear(epoch: number, decidedNs: number, wholeUs: number): HistoryEvent[] {
  const event = { ...ENVELOPE, source: "l0", from: 1, to: 0, vmcs: 7, region: 0x1000, epoch };
  const at = (ns: number) => ({ monoNs: START_NS + ns, wallUs: START_US + Math.round(ns / US) });
  const quarterNs = (wholeUs * US) / 4;
  const sent = at(decidedNs);
  const timing = {
    handedNs: sent.monoNs,
    receivedNs: sent.monoNs + quarterNs,
    waitedNs: 0,
    executedNs: quarterNs,
    flushedNs: quarterNs,
    arrivedNs: sent.monoNs + 3 * quarterNs,
    oneClock: true,
  };
  return [
    { ...event, ...sent, kind: "ipi.sent" },
    { ...event, ...at(decidedNs + wholeUs * US), kind: "ipi.acked", timing },
  ];
}

function rig(warmup = new Warmup()): Measurements {
  return new Measurements({ unitNs: 100, startUs: START_US, startNs: START_NS, warmup });
}

describe("what a run measures from its history", () => {
  it("finds a known distribution of clears again, whole and by phase, and the stall among them where it was", () => {
    const measurements = rig();
    const read = measurements.historyReader(true);
    // One per millisecond for two seconds: 1 to 1000 µs twice over, and once 500 ms.
    for (let i = 0; i < 2_000; i++)
      for (const event of clear(i, i * 1_000 * US, i === 1_500 ? 500_000 : (i % 1_000) + 1)) read(event);
    const report = measurements.clears();
    const even = (from: number, to: number) => ((to - from) * (from + to + 1)) / 2;
    // 1500 % 1000 + 1 = 501 is the one that the stall took the place of.
    const meanUs = (2 * even(0, 1_000) - 501 + 500_000) / 2_000;
    expect(report).toMatchObject({ count: 2_000, clocks: "one" });
    expect(report?.meanUs).toBeCloseTo(meanUs, 3);
    expect(Math.abs((report?.latencyUs.p50 ?? 0) - 500)).toBeLessThanOrEqual(1);
    // The stall took the place of 501, so 1,979 of them are 990 µs or less.
    expect(Math.abs((report?.latencyUs.p99 ?? 0) - 991)).toBeLessThanOrEqual(1);
    expect(Math.abs((report?.latencyUs.max ?? 0) / 500_000 - 1)).toBeLessThanOrEqual(0.001);
    const means = CLEAR_PHASES.map((phase) => report?.phases?.[phase].meanUs ?? Number.NaN);
    expect(means.reduce((sum, mean) => sum + mean, 0)).toBeCloseTo(meanUs, 1);
    expect(report?.phases?.flush.latencyUs.p50).toBeCloseTo(125, 0);
    expect(report?.pairs).toMatchObject([{ from: 1, to: 0, count: 2_000 }]);

    const histograms = measurements.histograms([]);
    const file = measurements.file(histograms, 2_000);
    expect(Object.keys(file.histograms)).toEqual([
      "crossCpuClear",
      ...CLEAR_PHASES.map((phase) => `crossCpuClear.${phase}`),
      "crossCpuClear.pair.1-0",
    ]);
    const decoded = decodeFromCompressedBase64(file.histograms.crossCpuClear ?? "");
    expect(decoded.totalCount).toBe(2_000);
    expect(Math.abs(decoded.getValueAtPercentile(50) * file.unitNs - 500 * US)).toBeLessThanOrEqual(US);
    const slow = (file.series.points.crossCpuClear ?? []).filter(({ maxUs }) => maxUs > 2_000);
    expect(slow).toHaveLength(1);
    // It began after 1.5 s and took half a second.
    expect(Math.abs((slow[0]?.atMs ?? 0) - 2_000)).toBeLessThanOrEqual(file.series.intervalMs);
    expect(histograms.get("crossCpuClear")?.toHgrm()).toMatch(/^ +Value +Percentile TotalCount/);
  });

  it("leaves out what began in the warm-up", () => {
    const warmup = new Warmup();
    warmup.begin(START_NS);
    warmup.end(START_NS + SECOND);
    const measurements = rig(warmup);
    const read = measurements.historyReader(true);
    for (const event of [...clear(1, 0.999 * SECOND, 5_000), ...clear(2, 1.001 * SECOND, 10)]) read(event);
    expect(measurements.clears()).toMatchObject({ count: 1, latencyUs: { max: 10 } });
  });

  it("goes by wall clocks where the machines are several", () => {
    const measurements = rig();
    const read = measurements.historyReader(false);
    for (const event of clear(1, SECOND, 10)) read({ ...event, monoNs: event.monoNs + 1_000 * SECOND });
    const { series } = measurements.file(measurements.histograms([]), 2_000);
    expect(series.points.crossCpuClear?.map(({ atMs }) => Math.round(atMs / 100))).toEqual([10]);
  });

  it("says when faults acted, which of them on which CPU, and which never ended", () => {
    const measurements = rig();
    const read = measurements.historyReader(true);
    const fault = (kind: HistoryEvent["kind"], cause: string, atMs: number, cpu?: number): void =>
      read({
        ...{ ...ENVELOPE, source: "faults", kind, cause, instruction: "stall" },
        ...{ monoNs: START_NS + atMs * 1_000 * US, wallUs: START_US },
        ...(cpu === undefined ? {} : { cpu }),
      });
    fault("fault.injected", "slow", 10, 1);
    fault("fault.injected", "slow", 20, 2);
    fault("fault.healed", "slow", 30, 1);
    fault("fault.injected", "slow", 40, 1);
    const { faults } = measurements.file(new Map(), 100);
    expect(faults).toEqual([
      { name: "slow", action: "stall", cpu: 1, fromMs: 10, toMs: 30 },
      { name: "slow", action: "stall", cpu: 2, fromMs: 20 },
      { name: "slow", action: "stall", cpu: 1, fromMs: 40 },
    ]);
  });
});
