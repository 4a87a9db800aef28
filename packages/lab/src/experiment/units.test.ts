import { describe, expect, it } from "vitest";
import { formatDurationUs, parseDurationNs, parseDurationUs, parseMigrationRate } from "./units.js";

describe("units", () => {
  it.each([
    ["250us", 250],
    ["1.5ms", 1_500],
    ["10s", 10_000_000],
    ["2min", 120_000_000],
    ["5", undefined],
    ["5 h", undefined],
    ["-1s", undefined],
  ])("duration %s", (text, us) => {
    expect(parseDurationUs(text)).toBe(us);
  });

  it.each([
    ["200/s", { kind: "perSecond", perSecond: 200 }],
    ["2k/s", { kind: "perSecond", perSecond: 2_000 }],
    ["0/s", { kind: "never" }],
    ["every 50 entries", { kind: "everyEntries", entries: 50 }],
    ["never", { kind: "never" }],
    ["every 0 entries", undefined],
    ["200", undefined],
  ])("rate %s", (text, rate) => {
    expect(parseMigrationRate(text)).toEqual(rate);
  });

  it.each([
    ["0.25us", 250],
    ["-1.5ms", -1_500_000],
    ["-0ms", 0],
    ["0.0001us", 0],
    ["--1ms", undefined],
  ])("nanoseconds of %s", (text, ns) => {
    expect(parseDurationNs(text)).toBe(ns);
  });

  it("prints durations", () => {
    expect([820, 1_500, 12_000_000].map(formatDurationUs)).toEqual(["820us", "1.5ms", "12s"]);
  });
});
