// `npm run docs:faults [-- NAME…]`: runs the experiments of experiments/faults and kill-soak on processes, and writes what came of them into docs/faults.md. Names: only those, the other rows stay. All of
// them take about a quarter of an hour; run them on a machine that does nothing else.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const BEGIN = "<!-- results: npm run docs:faults -->";
const END = "<!-- end of results -->";
const SEED = "1";
const HEAD = [
  "| experiment | policy | fault | injected | ops in flight | lost updates | double activations | recovery p50 ms | p99 ms |",
  "| --- | --- | --- | --: | --: | --: | --: | --: | --: |",
];
const root = fileURLToPath(new URL("..", import.meta.url));
const docs = join(root, "docs/faults.md");

const files = new Map([
  ...readdirSync(join(root, "experiments/faults"))
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => [name.slice(0, -".yaml".length), `experiments/faults/${name}`]),
  ["kill-soak", "experiments/kill-soak.yaml"],
]);
const names = process.argv.length > 2 ? process.argv.slice(2) : [...files.keys()];
const unknown = names.filter((name) => !files.has(name));
if (unknown.length > 0) {
  console.error(`no experiment ${unknown.join(", ")}; they are ${[...files.keys()].join(", ")}`);
  process.exit(64);
}

const [before, rest = ""] = readFileSync(docs, "utf8").split(BEGIN);
const [old, after] = rest.split(END);
if (after === undefined) throw new Error(`docs/faults.md needs a line "${BEGIN}" and a line "${END}"`);
const rows = new Map();
for (const line of old.split("\n")) {
  const [, name] = /^\| \[([\w-]+)\]/.exec(line) ?? [];
  if (name !== undefined) rows.set(name, [...(rows.get(name) ?? []), line]);
}
for (const name of names) {
  const result = run(files.get(name));
  rows.set(name, rowsOf(name, result));
  console.log(
    `${name}: ${result.verdict}, ${result.faults.injected} injected, ${(result.durationMs / 1000).toFixed(1)} s`,
  );
}
const ordered = [...files.keys()].flatMap((name) => rows.get(name) ?? []);
const machine = `Seed ${SEED}, Node.js ${process.versions.node}, ${availableParallelism()} cores.`;
writeFileSync(docs, `${before}${BEGIN}\n\n${[machine, "", ...HEAD, ...ordered].join("\n")}\n\n${END}${after}`);

function run(file) {
  const runs = mkdtempSync(join(tmpdir(), "vmcslab-fault-docs-"));
  const bin = join(root, "packages/cli/bin/vmcslab.js");
  const args = [bin, "run", file, "--seed", SEED, "--json", "--quiet", "--runs-dir", runs];
  const { status, stdout } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 26,
    stdio: ["ignore", "pipe", "inherit"],
  });
  rmSync(runs, { recursive: true });
  if (status !== 0) throw new Error(`${file}: exit code ${status}\n${stdout}`);
  return JSON.parse(stdout);
}

/** One for each kind of fault. Violations are those of the whole run: which fault led to one, nobody can say. */
function rowsOf(name, { faults, violations }) {
  const policy = policyOf(files.get(name));
  const broken = (invariant) => violations.filter((violation) => violation.invariant === invariant).length;
  return Object.entries(faults.byKind).map(([kind, { injected, inFlight, recoveryMs }]) => {
    const recovery = [recoveryMs?.p50, recoveryMs?.p99].map((ms) => (ms === undefined ? "–" : ms.toFixed(0)));
    const cells = [`\`${kind}\``, injected, inFlight, broken(4), broken(1), ...recovery];
    return `| [${name}](../${files.get(name)}) | ${policy} | ${cells.join(" | ")} |`;
  });
}

function policyOf(file) {
  const bin = join(root, "packages/cli/bin/vmcslab.js");
  const { stdout } = spawnSync(process.execPath, [bin, "run", file, "--print-config"], { cwd: root, encoding: "utf8" });
  const [, policy] = /^machine\.lostCpu +"(\w+)"/m.exec(stdout) ?? [];
  if (policy === undefined) throw new Error(`${file}: its policy is not in the output of --print-config`);
  return policy;
}
