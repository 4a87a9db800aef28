import { CPU_MODELS } from "@vmcslab/vmx";
import { describe, expect, test } from "vitest";
import { cyclesToNs, DEFAULT_COST_MODEL, derivedModel, ipiOneWayCycles } from "./cost-model.js";
import { DEFAULT_MODEL } from "./default-model.js";
import { COST_MODELS, costModelFor, costModelNamed } from "./generations.js";
import { byRow, COST_ROW_TEXTS, COST_ROWS } from "./rows.js";

const models = Object.values(COST_MODELS);

describe.each(models)("$name", (model) => {
  test.each(COST_ROWS)("%s has a source, whole cycles, and lies in its range", (row) => {
    const { cycles, range = [cycles, cycles], source } = model.rows[row];
    expect(source.length).toBeGreaterThan(20);
    expect(Number.isInteger(cycles)).toBe(true);
    expect(cycles).toBeGreaterThanOrEqual(range[0]);
    expect(cycles).toBeLessThanOrEqual(range[1]);
    expect(COST_ROW_TEXTS[row]).not.toBe("");
  });

  test("an assumption says that it is one", () => {
    for (const { status, source } of Object.values(model.rows)) {
      if (status === "assumed") expect(source).toContain("assumption");
    }
  });

  test("a row is its own, or the default's and says so", () => {
    for (const row of COST_ROWS) {
      const figure = model.rows[row];
      if (figure.inheritedFrom === undefined) continue;
      expect(figure).toEqual({ ...DEFAULT_MODEL.rows[row], inheritedFrom: DEFAULT_COST_MODEL });
    }
    const own = COST_ROWS.filter((row) => model.rows[row].inheritedFrom === undefined);
    if (model === DEFAULT_MODEL) expect(own).toEqual(COST_ROWS);
    else expect(own).toEqual(expect.arrayContaining(["entry", "exit"]));
  });
});

test("the default is what was proposed: a round trip of 1,200 cycles and a cross-CPU call of 3,000", () => {
  const { rows, ghz } = DEFAULT_MODEL;
  expect(rows.entry.cycles + rows.exit.cycles).toBe(1200);
  expect(ipiOneWayCycles(DEFAULT_MODEL, "ipiSend") + ipiOneWayCycles(DEFAULT_MODEL, "ipiAck")).toBe(3000);
  expect(cyclesToNs(3000, ghz)).toBe(1200);
});

test("round trips by generation", () => {
  const trips = models.map(({ name, rows }) => [name, rows.entry.cycles + rows.exit.cycles]);
  expect(Object.fromEntries(trips)).toEqual({
    default: 1200,
    prescott: 3963,
    merom: 1579,
    penryn: 1266,
    nehalem: 1009,
    westmere: 761,
    "sandy-bridge": 784,
  });
});

test("before Westmere every entry checks", () => {
  const rechecks = models.filter(({ rows }) => rows.controlRecheck.cycles > 0).map(({ name }) => name);
  expect(rechecks).toEqual(["default", "westmere", "sandy-bridge"]);
});

test("every CPU model has a cost model, its generation's if there is one", () => {
  expect(Object.fromEntries(Object.keys(CPU_MODELS).map((name) => [name, costModelFor(name).name]))).toEqual({
    core2_penryn_t9600: "penryn",
    corei7_sandy_bridge_2600k: "sandy-bridge",
    corei7_haswell_4770: "default",
    tigerlake: "default",
  });
  expect(costModelFor("another").name).toBe("default");
  expect(costModelNamed("constructor")).toBeUndefined();
});

test("a model derived from a derived one names its base", () => {
  const exit = { cycles: 1, source: "a test", status: "assumed" } as const;
  const model = derivedModel(costModelFor("core2_penryn_t9600"), "mine", "of a test", { exit });
  expect(model.rows.exit).toBe(exit);
  expect(model.rows.entry).toMatchObject({ cycles: 633, inheritedFrom: "penryn" });
});

test("byRow names each row once, in order", () => {
  expect(byRow((row) => row)).toEqual(Object.fromEntries(COST_ROWS.map((row) => [row, row])));
  expect(Object.keys(byRow(() => 0))).toEqual([...COST_ROWS]);
});
