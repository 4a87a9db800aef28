// `npm start`: the two shipped experiments, one after the other, on four CPUs. Ends with the first exit code that is not 0.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = fileURLToPath(new URL("../packages/cli/bin/vmcslab.js", import.meta.url));

for (const experiment of ["experiments/kvm-capture.yaml", "experiments/round-robin.yaml"]) {
  console.log(`\n$ npx vmcslab run ${experiment} --cpus 4`);
  const { status, signal } = spawnSync(process.execPath, [bin, "run", experiment, "--cpus", "4"], {
    cwd: root,
    stdio: "inherit",
  });
  if (status !== 0) {
    if (signal !== null) console.error(`vmcslab was ended by ${signal}`);
    process.exit(status ?? 70);
  }
}
