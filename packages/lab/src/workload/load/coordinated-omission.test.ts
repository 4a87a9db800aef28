/**
 * What a stall does to the people who wait, and what a measurement makes of it. The times of this host are known, so every percentile that the recorder states can be
 * worked out by hand: response times show a stall, service times hide it, and so does a closed model, whose load waits with the host (coordinated omission).
 */
import { decodeFromCompressedBase64 } from "hdr-histogram-js";
import { expect, it } from "vitest";
import { timedContext } from "../../../test-support/timed-host.js";
import type { LoadEntry } from "../../experiment/workload-schema.js";
import type { LoadReport } from "../../measure/load.js";
import { migrateWorkload } from "../migrate.js";

const MS = 1e6;
const UNITS = 10_000;
const SERVICE_NS = 100_000;
const STALL_NS = 1_000 * MS;
const STALLED = 2_000;

type Context = ReturnType<typeof timedContext>;

async function load(
  context: Context,
  load: LoadEntry,
  { vcpus = 1, warmup, moves = UNITS }: { vcpus?: number; warmup?: string; moves?: number } = {},
): Promise<LoadReport> {
  const options = { while: "l1", fieldsWritten: 0, moves, load, ...(warmup === undefined ? {} : { warmup }) } as const;
  await migrateWorkload({ migrate: options }, vcpus, context.cpus, 7).run(context);
  const report = context.load.report(context.latencies);
  if (report === undefined) throw new Error("there was no load");
  return report;
}

/** Every operation takes 0.1 ms, one takes a second. */
const stalling = (number: number): number => (number === STALLED ? STALL_NS : SERVICE_NS);
const everyMs = { open: { rate: "1000/s", arrivals: "constant" } } as const;

/** Histograms have three digits. */
function near(ms: number): { asymmetricMatch(us: unknown): boolean } {
  return { asymmetricMatch: (us) => typeof us === "number" && Math.abs(us - ms * 1_000) <= ms * 1_000 * 0.002 };
}

it("open model: response times show the stall as computed by hand, service times hide it", async () => {
  const { serviceUs, responseUs, ...report } = await load(timedContext(stalling), everyMs);
  // The operation that stalls takes 1 s; the j-th after it was due j ms later and is done 0.1 j ms after the stall, so it took 1,000 - 0.9 j ms, for 1,111 of them.
  // 1,000 of 10,000 took more than 100 ms, 100 more than 910 ms, 10 more than 991 ms.
  expect(responseUs).toMatchObject({
    p50: near(0.1),
    p90: near(100),
    p99: near(910),
    p999: near(991),
    max: near(1_000),
  });
  expect(serviceUs).toMatchObject({
    p50: near(0.1),
    p90: near(0.1),
    p99: near(0.1),
    p999: near(0.1),
    max: near(1_000),
  });
  const waitedMs = Array.from({ length: 1_110 }, (_, j) => 1_000 - 0.9 * (j + 1) - 0.1).reduce(
    (sum, ms) => sum + ms,
    0,
  );
  const meanMs = (0.1 * (UNITS - 1) + 1_000 + waitedMs) / UNITS;
  expect(responseUs?.mean).toBeCloseTo(meanMs * 1_000, 0);
  expect(report).toMatchObject({ model: "open", ratePerSecond: 1_000, intended: UNITS, sent: UNITS, done: UNITS });
  expect(report).toMatchObject({ unfinished: 0, generator: { fellBehind: false, lateUs: { max: 0 } } });
});

it("closed model: the same host looks as if nothing had happened", async () => {
  const context = timedContext(stalling);
  const { serviceUs, responseUs, generator, ...report } = await load(context, "closed");
  expect(responseUs).toMatchObject({
    p50: near(0.1),
    p90: near(0.1),
    p99: near(0.1),
    p999: near(0.1),
    max: near(1_000),
  });
  expect(responseUs).toEqual(serviceUs);
  expect([generator, context.load.times]).toEqual([undefined, undefined]);
  expect(report).toMatchObject({ model: "closed", intended: UNITS, done: UNITS, donePerSecond: 5_000.25 });
});

it("the whole distributions are there for the report, and find the stall too", async () => {
  const context = timedContext(stalling);
  await load(context, everyMs);
  const decoded = Object.fromEntries(
    [...context.load.histograms()].map(([name, histogram]) => [name, decodeFromCompressedBase64(histogram.encode())]),
  );
  expect(Object.keys(decoded)).toEqual(["load.service", "load.response"]);
  expect(decoded["load.response"]?.totalCount).toBe(UNITS);
  expect((decoded["load.response"]?.getValueAtPercentile(99) ?? 0) / 910e6).toBeCloseTo(1, 2);
  expect(decoded["load.service"]?.getValueAtPercentile(99)).toBeCloseTo(SERVICE_NS, -2);
});

it("finds a known distribution: 100 to 199 µs, each as often", async () => {
  const context = timedContext((number) => 100_000 + (number % 100) * 1_000);
  const { serviceUs } = await load(context, "closed");
  expect(serviceUs).toMatchObject({
    mean: 149.5,
    p50: near(0.149),
    p90: near(0.189),
    p99: near(0.198),
    max: near(0.199),
  });
});

it("Poisson arrivals at half of what one vcpu can do wait as long as Pollaczek and Khinchine say", async () => {
  const open = { open: { rate: "5k/s", arrivals: "poisson" } } as const;
  const { responseUs } = await load(
    timedContext(() => SERVICE_NS),
    open,
    { moves: 40_000 },
  );
  // M/D/1: mean wait = service time × rho / 2 (1 - rho).
  expect((responseUs?.mean ?? 0) / 150).toBeCloseTo(1, 1);
});

it("two vcpus take turns: what is due while one is busy waits for nobody", async () => {
  const slow = (): number => 1.5 * MS;
  const one = await load(timedContext(slow), everyMs, { moves: 100 });
  const two = await load(timedContext(slow), everyMs, { moves: 100, vcpus: 2 });
  // One vcpu falls 0.5 ms further behind with every unit.
  expect(one.responseUs).toMatchObject({ max: near(1.5 + 99 * 0.5) });
  expect(two.responseUs).toMatchObject({ p50: near(1.5), max: near(1.5) });
});

it("a warm-up is in no measure, and counted: by units", async () => {
  const context = timedContext((number) => (number < 500 ? 10 * MS : SERVICE_NS));
  const { serviceUs, warmup, done } = await load(context, "closed", { warmup: "500 units" });
  expect(serviceUs).toMatchObject({ p50: near(0.1), max: near(0.1) });
  expect({ done, warmup }).toEqual({ done: UNITS, warmup: { durationMs: 5_000, units: 500, operations: 500 } });
  expect(context.latencies.summary()).toMatchObject({ create: { count: 1 }, place: { count: UNITS } });
});

it("a warm-up is in no measure, and counted: by time, in an open model by when a unit was due", async () => {
  const context = timedContext((number) => (number < 500 ? 10 * MS : SERVICE_NS));
  const { responseUs, warmup, ...report } = await load(context, everyMs, { warmup: "5200ms", moves: 1_000 });
  // 500 units take 5 s and leave 4,500 behind; 2,000 of these are done by 5.2 s, the rest of the warm-up's 5,200 after it. The first that counts is the 4,701st behind, so
  // it is done 5,000 + 470.1 ms after the beginning, and was due after 5,200.
  expect(warmup).toEqual({ durationMs: 5_200, units: 5_200, operations: 2_500 });
  expect(report).toMatchObject({ intended: 1_000, done: 1_000 });
  expect(responseUs).toMatchObject({ p50: near(0.1), max: near(270.1) });
});

it("a host that cannot keep up: what was due and never done is counted, and the end comes", async () => {
  const context = timedContext(() => 100 * MS);
  const duration = "1s";
  const options = { while: "l1", fieldsWritten: 0, duration, load: everyMs } as const;
  await migrateWorkload({ migrate: options }, 1, 2, 7).run(context);
  const report = context.load.report(context.latencies);
  // One second of load, and ten more for what is left of it: 110 units of 1,000.
  expect(report).toMatchObject({ intended: 1_000, sent: 110, done: 110, unfinished: 890, donePerSecond: 10 });
  const times = [...(context.load.times ?? [])];
  expect(times).toHaveLength(1_000);
  expect(times[109]).toEqual({ isWarmup: false, intendedNs: 109 * MS, sentNs: 10_900 * MS, doneNs: 11_000 * MS });
  expect(times[110]).toEqual({ isWarmup: false, intendedNs: 110 * MS, sentNs: undefined, doneNs: undefined });
});

it("an abort ends it at once; what was not due by then was not intended", async () => {
  const context = timedContext((number) => {
    if (number === 100) context.abort.abort("SIGINT");
    return SERVICE_NS;
  });
  expect(await load(context, everyMs)).toMatchObject({ intended: 101, sent: 101, done: 101, unfinished: 0 });
});

it("a generator that wakes up late says so, with figures, and only for units that a vcpu was free for", async () => {
  const context = timedContext(() => SERVICE_NS, { lateNs: (number) => (number % 10 === 0 ? 5 * MS : 0) });
  const { generator } = await load(context, { open: { rate: "100/s", arrivals: "constant" } }, { moves: 1_000 });
  expect(generator).toMatchObject({ count: 999, fellBehind: true, lateUs: { p50: 0, p99: near(5) } });
  expect(generator?.note).toMatch(
    /^the load generator fell behind: of 999 units for which a vcpu was free, .*1 in 100 [\d.]+ µs, .*; the response time is [\d.]+ µs at p50 and [\d.]+ µs at p99, and this lateness is part of it/,
  );
});
