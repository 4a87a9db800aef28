import { runScenarioFiles, type ScenarioReport } from "@vmcslab/lab/scenario";

/** Runs the files, prints where they differ, and says how it went as an exit code. */
export async function scenarioCommand(files: readonly string[], rewrite: boolean): Promise<number> {
  const reports = await runScenarioFiles(files, { rewrite });
  for (const report of reports) process.stdout.write(`${formatReport(report, rewrite)}\n`);
  const isGood = reports.every(
    ({ differences, violations }) => (rewrite || differences.length === 0) && violations.length === 0,
  );
  return isGood ? 0 : 1;
}

function formatReport({ file, blocks, differences, violations }: ScenarioReport, rewrite: boolean): string {
  const head = `${file}: ${blocks} blocks, ${differences.length} ${rewrite ? "rewritten" : "different"}, ${violations.length} violations`;
  const shown = rewrite
    ? []
    : differences.map(({ line, commands, expected, actual }) => {
        return [
          `${file}:${line}: ${commands.join("; ")}`,
          ...expected.map((text) => `- ${text}`),
          ...actual.map((text) => `+ ${text}`),
        ].join("\n");
      });
  return [head, ...shown, ...violations.map((violation) => `violation: ${violation}`)].join("\n");
}
