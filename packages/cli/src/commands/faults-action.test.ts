import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PreviewDocument } from "../report/delay-preview.js";
import { faultsPreviewCommand } from "./faults-action.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vmcslab-preview-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function experiment(faults: string): string {
  const path = join(folder, "e.yaml");
  writeFileSync(path, `name: a\nworkload: { roundRobin: { entries: 1 } }\nfaults:\n${faults}\n`);
  return path;
}

const text = (subject: string, samples = "2000") => faultsPreviewCommand(subject, { samples, seed: "1" });

async function document(subject: string, seed = "1"): Promise<PreviewDocument> {
  return JSON.parse(await faultsPreviewCommand(subject, { samples: "20000", seed, json: true }));
}

describe("vmcslab faults preview", () => {
  it("prints exact quantiles beside drawn ones, as one document", async () => {
    const preview = await document("logNormal:p50=10ms,p99=40ms");
    expect(preview).toMatchObject({ schema: "vmcslab.faults-preview/v1", seed: 1, samples: 20_000 });
    const [delay] = preview.delays;
    expect(delay?.exact.p50).toBe(10_000_000);
    expect((delay?.exact.p99 ?? 0) / 40_000_000).toBeCloseTo(1, 12);
    for (const name of ["p1", "p50", "p90", "p99", "mean"] as const)
      expect((delay?.sampled[name] ?? 0) / (delay?.exact[name] ?? 1), name).toBeCloseTo(1, 1);
    expect(delay?.histogram.reduce((sum, { count }) => sum + count, 0)).toBe(20_000);
    expect(delay?.notes).toEqual([]);
  });

  it("draws the same for the same seed", async () => {
    expect(await document("exponential:mean=5ms")).toEqual(await document("exponential:mean=5ms"));
    const [other] = (await document("exponential:mean=5ms", "2")).delays;
    expect(other?.sampled).not.toEqual((await document("exponential:mean=5ms")).delays[0]?.sampled);
  });

  it("prints every delay of an experiment, by the name of its fault", async () => {
    const path = experiment(`
  - { name: slow, match: {}, do: { delay: { constant: 5ms } } }
  - { do: crashL0 }
  - { match: {}, do: { delay: { pareto: { scale: 3ms, shape: 1 } } } }`);
    const { delays } = await document(path);
    expect(delays.map(({ name, exact }) => [name, exact.mean])).toEqual([
      ["slow", 5_000_000],
      ["delay#2", null],
    ]);
    expect(await text(path)).toContain("no mean");
  });

  it.each([
    "constant:0ms",
    "uniform:min=1ms,max=2ms",
    "exponential:mean=1.5us",
    "logNormal:p50=1ms,p99=20ms",
    "pareto:scale=1ms,shape=0.01",
  ])("fits 80 columns: %s", async (subject) => {
    for (const samples of ["1", "2000"])
      for (const line of (await text(subject, samples)).split("\n")) expect([...line].length).toBeLessThanOrEqual(80);
  });

  it("says which delays are too short for live timers, and only then", async () => {
    const note = "live timers fire no finer than about a millisecond";
    expect((await text("uniform:min=1ms,max=3ms")).replaceAll(/\n\s+/g, " ")).toContain(note);
    expect(await text("constant:5ms")).not.toContain("note:");
  });

  it.each([
    ["lognormal:p50=1ms", "100", 'did you mean "logNormal"?'],
    ["constant:5ms", "0", "--samples: must be a whole number from 1 to 10000000"],
    ["constant:5ms", "many", '--samples: "many" is not a whole number'],
    ["/nowhere/e.yaml", "100", "/nowhere/e.yaml: there is no such file"],
  ])("refuses %s with --samples %s", async (subject, samples, message) => {
    await expect(text(subject, samples)).rejects.toThrow(message);
  });

  it("refuses an experiment without delays", async () => {
    await expect(text(experiment("  - { do: crashL0 }"))).rejects.toThrow(
      "no fault of this experiment delays messages",
    );
  });
});
