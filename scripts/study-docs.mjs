// `npm run docs:studies [-- NAME…]`: runs the studies of experiments/studies (or those that are named) and copies their numbers into docs/studies.md. Leave the machine alone meanwhile; all of
// them take half an hour. `--from DIR` takes what lies below DIR instead of running anything: the folder that --runs-dir named.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { STUDIES } from "./studies/tables.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = join(root, "packages/cli/bin/vmcslab.js");
const page = join(root, "docs/studies.md");

const { values, positionals } = parseArgs({
  options: { from: { type: "string" }, seed: { type: "string", default: "7" } },
  allowPositionals: true,
});
const names = positionals.length > 0 ? positionals : Object.keys(STUDIES);
for (const name of names)
  if (STUDIES[name] === undefined) throw new RangeError(`no study ${name}: ${Object.keys(STUDIES).join(", ")}`);

function summaryOf(name) {
  const runs = values.from ?? join(root, "runs");
  if (values.from === undefined) {
    const file = join(root, "experiments/studies", `${name}.yaml`);
    const { status } = spawnSync(process.execPath, [bin, "run", file, "--seed", values.seed, "--runs-dir", runs], {
      stdio: "inherit",
    });
    if (status !== 0) throw new Error(`${name} ended with exit code ${status}`);
  }
  const folder = join(runs, name, "latest");
  return { ...JSON.parse(readFileSync(join(folder, "summary.json"), "utf8")), folder };
}

for (const name of names) {
  const summary = summaryOf(name);
  const text = readFileSync(page, "utf8");
  const [begin, end] = [`<!-- study ${name}: npm run docs:studies -- ${name} -->`, `<!-- end of study ${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/studies.md has no place for ${name}`);
  const written = `${text.slice(0, from)}${begin}\n\n${STUDIES[name](summary)}\n\n${text.slice(to)}`;
  writeFileSync(page, written);
  console.log(`docs/studies.md: ${name}`);
}
