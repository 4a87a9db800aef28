import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { OPERATION_NAMES } from "../measure/operations.js";
import { RUN_ENVIRONMENT } from "./environment.js";
import { readFaults } from "./faults.js";
import { parseExperiment } from "./load.js";
import { tablesOn, withReference } from "./reference.js";

const docs = (name: string) => fileURLToPath(new URL(`../../../../docs/${name}`, import.meta.url));

// `VMCSLAB_REWRITE=1 npx vitest run packages/lab/src/experiment/reference.test.ts` writes the tables anew.
it.each([
  ["experiments.md", ["from the schema", "metrics"]],
  [
    "faults.md",
    [
      "fields of a fault",
      "settings of actions",
      "message actions",
      "host actions",
      "methods",
      "distributions",
      "means",
    ],
  ],
])("docs/%s has the tables that the code makes", (name, tables) => {
  const page = readFileSync(docs(name), "utf8");
  const expected = withReference(page);
  expect(tablesOn(page)).toEqual(tables);
  if (process.env.VMCSLAB_REWRITE === "1") writeFileSync(docs(name), expected);
  else expect(page).toBe(expected);
});

it("a generated part needs an end", () => {
  expect(() => withReference("<!-- generated methods: begin -->")).toThrow("lacks");
});

it("every experiment that docs/faults.md shows is one", async () => {
  const page = readFileSync(docs("faults.md"), "utf8");
  const shown = [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text = ""]) => text);
  expect(shown.length).toBeGreaterThan(2);
  for (const text of shown) {
    const head = text.includes("workload:") ? "" : "name: shown\nworkload: { roundRobin: { entries: 1 } }\n";
    const { experiment } = parseExperiment(`${head}${text}`, "faults.md");
    expect((await readFaults(experiment)).length, text).toBeGreaterThan(0);
  }
});

it("docs/experiments.md names every operation that a threshold may name", () => {
  const page = readFileSync(docs("experiments.md"), "utf8");
  for (const name of OPERATION_NAMES) expect(page, name).toContain(`\`${name}\``);
});

it("docs/cli.md names every environment variable of a run", () => {
  const page = readFileSync(docs("cli.md"), "utf8");
  for (const name of Object.keys(RUN_ENVIRONMENT)) expect(page).toContain(`\`${name}\``);
});
