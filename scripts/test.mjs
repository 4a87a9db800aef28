// `npm test`: runs vitest, shows what it shows, and puts `N passed, N failed, N skipped` alone on the last line. With
// VMCSLAB_REQUIRE=nats,docker it fails when tests were skipped whose names say that they need one of those ("needs nats").
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
const folder = mkdtempSync(join(tmpdir(), "vmcslab-test-"));
const report = join(folder, "report.json");

const args = [
  vitest,
  "run",
  "--reporter=default",
  "--reporter=json",
  `--outputFile.json=${report}`,
  ...process.argv.slice(2),
];
const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.once("close", (code) => {
  process.exitCode = summarize(code ?? 1);
  rmSync(folder, { recursive: true, force: true });
});

/** Prints the last line; answers the exit code. */
function summarize(vitestExitCode) {
  const results = readReport();
  if (results === undefined) {
    console.error("vitest left no report");
    console.log("0 passed, 1 failed, 0 skipped");
    return vitestExitCode || 1;
  }
  const tests = results.testResults.flatMap((file) => file.assertionResults);
  const missing = missingRequirements(tests);
  for (const { requirement, name } of missing)
    console.error(`VMCSLAB_REQUIRE=${requirement}, but this was skipped: ${name}`);
  for (const [reason, times] of skipReasons(tests)) console.log(`skipped ${times}: ${reason}`);
  const count = (...statuses) => tests.filter(({ status }) => statuses.includes(status)).length;
  // A file that could not even be loaded has no tests to count.
  const brokenFiles = results.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
  ).length;
  const failed = count("failed") + brokenFiles + missing.length;
  console.log(
    `${count("passed")} passed, ${failed} failed, ${count("skipped", "pending", "todo", "disabled") - missing.length} skipped`,
  );
  return vitestExitCode || (failed > 0 ? 1 : 0);
}

function readReport() {
  try {
    return JSON.parse(readFileSync(report, "utf8"));
  } catch (error) {
    console.error(`cannot read vitest's report: ${error.message}`);
    return undefined;
  }
}

function missingRequirements(tests) {
  const required = (process.env.VMCSLAB_REQUIRE ?? "")
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  const skipped = tests.filter(({ status }) => status !== "passed" && status !== "failed");
  return required.flatMap((requirement) =>
    skipped
      .filter(({ fullName }) => fullName.toLowerCase().includes(`needs ${requirement.toLowerCase()}`))
      .map(({ fullName }) => ({ requirement, name: fullName })),
  );
}

/** How many tests were skipped for which reason; tests that need something carry the reason in their names. */
function skipReasons(tests) {
  const reasons = new Map();
  for (const { status, fullName } of tests) {
    const reason = /\(skipped: (.+?)\)/.exec(fullName)?.[1];
    if (status === "passed" || status === "failed" || reason === undefined) continue;
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return reasons;
}
