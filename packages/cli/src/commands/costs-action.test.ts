import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { UsageError } from "@vmcslab/lab/errors";
import { COST_MODELS, COST_ROWS } from "@vmcslab/sim";
import { expect, test } from "vitest";
import { costsDocument, describeCosts } from "./costs-action.js";
import { withCosts } from "./costs-page.js";

test("every model with every row, in cycles and nanoseconds, and where it is from", () => {
  const { models } = costsDocument();
  expect(models.map(({ name }) => name)).toEqual(Object.keys(COST_MODELS));
  expect(models.filter((model) => model.default).map(({ name }) => name)).toEqual(["default"]);
  const [model] = models;
  expect(Object.keys(model?.rows ?? {})).toEqual([...COST_ROWS]);
  expect(model).toMatchObject({ ghz: 2.5, rows: { exit: { cycles: 600, ns: 240, status: "derived" } } });
  expect(models.flatMap(({ cpuModels }) => cpuModels)).toHaveLength(4);
});

test("for people: of a generation its own rows, all when it is asked for", () => {
  expect(describeCosts().match(/^ {2}vmread /gm)).toHaveLength(1);
  const westmere = describeCosts("westmere");
  for (const row of COST_ROWS) expect(westmere).toMatch(new RegExp(`^ {2}${row} `, "m"));
  expect(westmere).toContain("assumed (as default)");
  expect(westmere).toContain("derived, unchecked");
});

test("a name that no model has is refused with all of them", () => {
  expect(() => describeCosts("toString")).toThrow(
    new UsageError(`"toString" is not a cost model; it is one of ${Object.keys(COST_MODELS).join(", ")}`),
  );
});

// `VMCSLAB_REWRITE=1 npx vitest run packages/cli/src/commands/costs-action.test.ts` writes the tables anew.
test("docs/costs.md has the models as they are", () => {
  const path = fileURLToPath(new URL("../../../../docs/costs.md", import.meta.url));
  const page = readFileSync(path, "utf8");
  const expected = withCosts(page);
  if (process.env.VMCSLAB_REWRITE === "1") writeFileSync(path, expected);
  else expect(page).toBe(expected);
});
