import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { OPERATION_NAMES } from "../measure/operations.js";
import { RUN_ENVIRONMENT } from "./environment.js";
import { withReference } from "./reference.js";

const docs = (name: string) => fileURLToPath(new URL(`../../../../docs/${name}`, import.meta.url));

// `VMCSLAB_REWRITE=1 npx vitest run packages/lab/src/experiment/reference.test.ts` writes the table anew.
it("docs/experiments.md has the schema's fields", () => {
  const page = readFileSync(docs("experiments.md"), "utf8");
  const expected = withReference(page);
  if (process.env.VMCSLAB_REWRITE === "1") writeFileSync(docs("experiments.md"), expected);
  else expect(page).toBe(expected);
});

it("docs/experiments.md names every operation that a threshold may name", () => {
  const page = readFileSync(docs("experiments.md"), "utf8");
  for (const name of OPERATION_NAMES) expect(page, name).toContain(`\`${name}\``);
});

it("docs/cli.md names every environment variable of a run", () => {
  const page = readFileSync(docs("cli.md"), "utf8");
  for (const name of Object.keys(RUN_ENVIRONMENT)) expect(page).toContain(`\`${name}\``);
});
