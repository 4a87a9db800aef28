import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { runsFolder, simulate } from "../../test-support/simulated-run.js";
import { loadExperiment } from "../experiment/load.js";
import type { Override } from "../experiment/override.js";
import { checkWorkloads, planStudy } from "./plan.js";

const STUDIES = fileURLToPath(new URL("../../../../experiments/studies/", import.meta.url));

const runs = runsFolder();
afterAll(() => runs.remove());

/** What keeps a cell's run below a second. */
const SHORTER: Readonly<Record<string, readonly (readonly [path: string, value: unknown])[]>> = {
  "clear-phases.yaml": [["workload.migrate.moves", 20]],
  "pool-live.yaml": [["workload.roundRobin.entries", 40]],
  "pool-size.yaml": [["workload.roundRobin.entries", 40]],
  "teardown.yaml": [["workload.teardown.repeat", 1]],
};

/** Of all cells a few that are far apart. */
const TRIED = 4;

describe.each(readdirSync(STUDIES).filter((name) => name.endsWith(".yaml")))("experiments/studies/%s", (name) => {
  it("has cells that can be run, five times each, so that there are intervals", async () => {
    const loaded = await loadExperiment(join(STUDIES, name));
    const plan = planStudy(loaded, "processes");
    if (plan === undefined) throw new Error("no study");
    expect(plan.repetitions).toBe(5);
    expect(plan.cells.length).toBeGreaterThan(5);
    expect(loaded.experiment.about).toMatch(/Expected verdict: valid\.\s*$/);
    await checkWorkloads(plan);
  });

  it("comes out as it says in virtual time, where it has cells of that", async () => {
    const shorter = (SHORTER[name] ?? []).map(
      ([path, value]): Override => ({ path: path.split("."), value, origin: "test" }),
    );
    const plan = planStudy(await loadExperiment(join(STUDIES, name), shorter), "processes");
    const cells = plan?.cells.filter(({ way }) => way === "simulated") ?? [];
    const tried = cells.filter((_, index) => index % Math.ceil(cells.length / TRIED) === 0);
    for (const { loaded, name: cell } of tried) {
      const { verdict, gaps, nestedEntry, crossCpuClear } = await simulate(loaded.experiment, 7, runs.path);
      expect({ cell, verdict, gaps }).toEqual({ cell, verdict: "valid", gaps: [] });
      expect(nestedEntry ?? crossCpuClear).toBeDefined();
    }
    expect(tried.length > 0 || !Object.hasOwn(SHORTER, name)).toBe(true);
  });
});
