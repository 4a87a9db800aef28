import { CPU_MODELS, DEFAULT_CPU_MODEL } from "@vmcslab/vmx";
import { expect, test } from "vitest";
import { mutantNamed } from "../mutants/index.js";
import { drawPlan } from "./draw-plan.js";
import { EMPTY_REPORT, exploreSeeds, mergeReports } from "./explore.js";
import { addHashes, hashOfSeed } from "./explore-digest.js";

const model = CPU_MODELS[DEFAULT_CPU_MODEL];
if (model === undefined) throw new Error("no default model");

test("reports of parts, merged in any order, are the report of the whole", () => {
  const whole = exploreSeeds({ from: 1, count: 6, model });
  const [a, b, c] = [1, 3, 5].map((from) => exploreSeeds({ from, count: 2, model }));
  if (a === undefined || b === undefined || c === undefined) throw new Error("three reports");
  expect(mergeReports(mergeReports(c, a), b)).toEqual(whole);
  expect(mergeReports(whole, EMPTY_REPORT)).toEqual(whole);
  expect(whole).toMatchObject({ seeds: 6, violations: [] });
  expect(whole.marks["two-at-once"]).toBeGreaterThan(0);
});

test("the digest tells which seed had which history", () => {
  const [one, other] = ["0123456789abcdef", "fedcba9876543210"];
  expect(addHashes(hashOfSeed(1, one), hashOfSeed(2, other))).not.toBe(
    addHashes(hashOfSeed(2, one), hashOfSeed(1, other)),
  );
  expect(addHashes("ffffffffffffffff", "0000000000000002")).toBe("0000000000000001");
});

test("a mutant is found, and a search that stops there leaves out what is behind", () => {
  const mutant = mutantNamed("clear-skipped");
  if (mutant === undefined) throw new Error("no such mutant");
  const seen: number[] = [];
  const report = exploreSeeds({
    from: 1,
    count: 50,
    model,
    mutant,
    onSeed: (seed, { violation }) => {
      seen.push(seed);
      return violation === undefined ? undefined : "stop";
    },
  });
  expect(report.violations).toHaveLength(1);
  expect(report.violations[0]).toMatchObject({ seed: seen.at(-1), rule: "active-twice" });
  expect(report.seeds).toBe(seen.length);
});

test("what a scope gives is not drawn, and the rest is drawn as without it", () => {
  const faults = [{ at: 0, action: { kind: "crashL0" } }] as const;
  for (let seed = 1; seed <= 20; seed++) {
    const free = drawPlan(seed);
    const scoped = drawPlan(seed, { poolSize: 7, policy: "kill", leaseNs: 12_345, faults });
    expect(scoped).toMatchObject({ policy: "kill", leaseNs: 12_345, faults, cpus: free.cpus, latency: free.latency });
    for (const step of scoped.operations) if (step.kind === "create") expect(step.poolSize).toBe(7);
    expect(scoped.operations.map(({ atNs }) => atNs)).toEqual(free.operations.map(({ atNs }) => atNs));
    const wide = drawPlan(seed, { cpus: 12 });
    expect(wide.cpus).toBe(12);
    for (const step of wide.operations) if ("cpu" in step) expect(step.cpu).toBeLessThan(12);
  }
});
