import { describe, expect, it } from "vitest";
import { parseExperiment } from "./load.js";
import { metricKind, metricNames } from "./metrics.js";
import { checkThresholds, parseThreshold } from "./thresholds.js";

function check(thresholds: string, values: Readonly<Record<string, number>>) {
  const { experiment } = parseExperiment(`name: a\nworkload: { kvmTrace: t }\nthresholds: { ${thresholds} }`, "e.yaml");
  return checkThresholds(experiment, (metric) => values[metric]);
}

describe("a threshold", () => {
  it.each([
    ["< 5ms", 4_999, true],
    ["< 5ms", 5_000, false],
    ["<= 5ms", 5_000, true],
    ["> 1s", 1_000_001, true],
  ])("compares a latency in microseconds: %s with %i", (expression, value, met) => {
    const metric = "operations.place.latencyUs.p99";
    expect(check(`${metric}: "${expression}"`, { [metric]: value })).toEqual([{ metric, expression, value, met }]);
  });

  it.each([
    ["== 0", 0, true],
    ["== 0", 1, false],
    ["!= 0", 1, true],
    [">= 10", 9, false],
  ])("compares a count: %s with %i", (expression, value, met) => {
    expect(check(`events.lost: "${expression}"`, { "events.lost": value })[0]).toMatchObject({ met });
  });

  it("on a latency is not met by an operation that did not happen", () => {
    const metric = "operations.vmxoff.latencyUs.max";
    expect(check(`${metric}: "< 1s"`, {})).toEqual([{ metric, expression: "< 1s", met: false }]);
  });

  it("takes the count of what did not happen as 0", () => {
    const metric = "operations.vmxoff.count";
    expect(check(`${metric}: "== 0"`, {})).toEqual([{ metric, expression: "== 0", value: 0, met: true }]);
    expect(check(`${metric}: "> 0"`, {})).toEqual([{ metric, expression: "> 0", value: 0, met: false }]);
  });

  it.each([
    ["events.losst", "== 0", 'unknown metric; did you mean "events.lost"?'],
    ["events.lost", "0", 'write a comparison and a value, such as "== 0"'],
    ["events.lost", "< many", '"many" is not a number'],
    ["operations.place.latencyUs.p99", "< 3", 'a latency needs a unit: write "< 3ms"'],
  ])("is refused: %s %s", (metric, expression, message) => {
    expect(parseThreshold(metric, expression)).toBe(message);
  });
});

it("a metric is known by its path, and stands in the list once", () => {
  const names = metricNames();
  expect(new Set(names).size).toBe(names.length);
  expect(["load.responseUs.p999", "load.serviceUs.mean", "load.generator.lateUs.p99"].map(metricKind)).toEqual(
    Array(3).fill("latency"),
  );
  expect(["load.unfinished", "load.warmup.units", "clears.crossCpu"].map(metricKind)).toEqual(Array(3).fill("count"));
});
