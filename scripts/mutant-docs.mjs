// `npm run docs:mutants`: finds and shrinks every mutant, and writes what came of it: the table in docs/mutants.md, and a page in docs/bugs for each mistake that was once made in a kernel. Takes a few minutes.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MUTANTS, measureMutant } from "../packages/sim/dist/index.js";
import { cpuModelNamed, DEFAULT_CPU_MODEL } from "../packages/vmx/dist/index.js";

/** Disjoint ranges of seeds; in each, the first seed that finds the mutant. */
const RANGES = 9;
const RANGE_SEEDS = 2000;
const BEGIN = "<!-- table: npm run docs:mutants -->";
const END = "<!-- end of table -->";
const root = fileURLToPath(new URL("..", import.meta.url));
const bin = join(root, "packages/cli/bin/vmcslab.js");
const bugs = join(root, "docs/bugs");
const model = cpuModelNamed(DEFAULT_CPU_MODEL);
if (model === undefined) throw new Error(DEFAULT_CPU_MODEL);

function explore(mutant, ...flags) {
  const out = mkdtempSync(join(tmpdir(), "vmcslab-mutant-"));
  const args = [
    bin,
    "explore",
    "--mutant",
    mutant.name,
    "--seeds",
    String(RANGE_SEEDS),
    "--jobs",
    "1",
    "--quiet",
    "--out",
    out,
    ...flags,
  ];
  const { status, stdout } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  rmSync(out, { recursive: true });
  if (status !== 1) throw new Error(`${mutant.name}: exit ${status}`);
  return stdout.replaceAll(`${out}/`, "");
}

/** How many seeds it takes, from the beginning of each range. */
function seedsToFind(mutant) {
  return Array.from({ length: RANGES }, (_, range) => {
    const from = 1 + range * RANGE_SEEDS;
    for (let seed = from; seed < from + RANGE_SEEDS; seed++) {
      if (measureMutant(mutant, seed, 1, model).found > 0) return seed - from + 1;
    }
    return Number.POSITIVE_INFINITY;
  }).sort((a, b) => a - b);
}

function page(mutant, text) {
  const fixed = mutant.fixedBy === undefined ? "" : `\nMended by: ${mutant.fixedBy}.\n`;
  return `# ${mutant.origin}: ${mutant.name}

${mutant.says}
${fixed}
Breaks ${mutant.breaks}

Found and shrunk by \`vmcslab explore --mutant ${mutant.name}\`, which a plan file then replays. This page is written by \`npm run docs:mutants\`.

\`\`\`text
${text.trimEnd()}
\`\`\`
`;
}

mkdirSync(bugs, { recursive: true });
const rows = [];
const index = [];
for (const mutant of MUTANTS) {
  const seeds = seedsToFind(mutant);
  const [violation] = JSON.parse(explore(mutant, "--json")).violations;
  const { rule, shrunkTo } = violation;
  const isBug = /^H\d|^KVM/.test(mutant.origin);
  const name = isBug ? `[${mutant.name}](bugs/${mutant.name}.md)` : mutant.name;
  const median = seeds[(RANGES - 1) / 2];
  const most = seeds[RANGES - 1];
  rows.push(
    `| ${name} | ${mutant.origin} | ${median} | ${most} | \`${rule}\` | ${shrunkTo.operations} | ${shrunkTo.faults} |`,
  );
  if (isBug) {
    writeFileSync(join(bugs, `${mutant.name}.md`), page(mutant, explore(mutant)));
    index.push(`- [${mutant.origin}: ${mutant.name}](${mutant.name}.md). ${mutant.says}`);
  }
  console.log(
    `${mutant.name}: median ${median} seeds, at most ${most}; shrunk to ${shrunkTo.operations} operations and ${shrunkTo.faults} faults (${rule})`,
  );
}

const table = [
  `Seeds needed from the beginning of each of ${RANGES} disjoint ranges of ${RANGE_SEEDS}: the median, and the most; then the rule that the first of them breaks, and what it shrinks to.`,
  "",
  "| mutant | origin | median | most | rule | operations | faults |",
  "| --- | --- | --: | --: | --- | --: | --: |",
  ...rows,
].join("\n");
const docs = join(root, "docs/mutants.md");
const before = readFileSync(docs, "utf8");
const [head, rest] = before.split(BEGIN);
const tail = rest?.split(END)[1];
if (tail === undefined) throw new Error(`docs/mutants.md needs a line "${BEGIN}" and a line "${END}"`);
writeFileSync(docs, `${head}${BEGIN}\n\n${table}\n\n${END}${tail}`);
writeFileSync(
  join(bugs, "README.md"),
  `# Bugs found again

Mistakes that were once made, in the vmcs02 pool of 2011 or in KVM around it, made again on purpose in the simulated world, found by the explorer, and shrunk. The names H1 to H19 are explained in [mutants](../mutants.md).

${index.join("\n")}
`,
);
