// `npm run explore:twice [-- SEEDS]`: explores the true design over the same seeds twice, with one job and with two, and fails unless both are clean and have the same digest.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const DEFAULT_SEEDS = "10000";
const bin = fileURLToPath(new URL("../packages/cli/bin/vmcslab.js", import.meta.url));
const seeds = process.argv[2] ?? DEFAULT_SEEDS;

function explore(jobs) {
  const args = [bin, "explore", "--seeds", seeds, "--jobs", String(jobs), "--json"];
  const { status, signal, stdout } = spawnSync(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  if (status !== 0) {
    process.stdout.write(stdout);
    console.error(`explore with ${jobs} jobs ended with ${signal ?? status}`);
    process.exit(1);
  }
  const report = JSON.parse(stdout.toString());
  const { steps, stepsPerSecond, digest } = report;
  console.log(
    `${report.seeds} seeds, ${steps} steps, ${stepsPerSecond} steps/s per core with ${jobs} job(s): ${digest}`,
  );
  return digest;
}

const [first, second] = [explore(1), explore(2)];
if (first !== second) {
  console.error("the same seeds have different digests");
  process.exit(1);
}
