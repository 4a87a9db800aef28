// `npm run docs:bench`: runs the bench of the interconnect and writes its table into docs/benchmarks.md. Run it on a machine that does nothing else.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const BEGIN = "<!-- interconnect: npm run docs:bench -->";
const END = "<!-- end of interconnect -->";
const root = fileURLToPath(new URL("..", import.meta.url));
const docs = join(root, "docs/benchmarks.md");

const args = [join(root, "bench/main.mjs"), "interconnect", "--json", ...process.argv.slice(2)];
const { status, stdout } = spawnSync(process.execPath, args, {
  encoding: "utf8",
  stdio: ["ignore", "pipe", "inherit"],
});
if (status !== 0) throw new Error(`the bench ended with ${status}`);
const { rows, machine } = JSON.parse(stdout);

const [before, rest = ""] = readFileSync(docs, "utf8").split(BEGIN);
const [, after] = rest.split(END);
if (after === undefined) throw new Error(`docs/benchmarks.md needs a line "${BEGIN}" and a line "${END}"`);
const verdict = (met) => (met === null ? "" : met ? "met" : "missed");
const lines = rows.map(({ name, ratio, goal, met, ours, reference, unit }) =>
  `| ${name} | ${ratio} | ${goal ?? "–"} | ${verdict(met)} | ${ours} | ${reference} | ${unit} |`.replaceAll("  ", " "),
);
const table = [
  `${new Date().toISOString().slice(0, 10)}, ${machine.cpus} CPUs (${machine.cpu}), Node.js ${machine.node}.`,
  "",
  "| measure | ratio | goal | | ours | reference | unit |",
  "| --- | --: | --- | --- | --: | --: | --- |",
  ...lines,
].join("\n");
writeFileSync(docs, `${before}${BEGIN}\n\n${table}\n\n${END}${after}`);
