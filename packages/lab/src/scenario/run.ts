import { readFile, writeFile } from "node:fs/promises";
import { Sanitizer } from "@vmcslab/history";
import { UsageError, unreadable } from "../errors.js";
import type { Session } from "./commands/command.js";
import { newWorld } from "./commands/host.js";
import { runCommand } from "./commands.js";
import { formatScenario, parseScenario, type Scenario, type ScenarioBlock, type ScenarioLine } from "./parse.js";
import type { World } from "./world.js";

export interface ScenarioDifference {
  readonly file: string;
  /** Of the block's first command, 1-based. */
  readonly line: number;
  readonly commands: readonly string[];
  readonly expected: readonly string[];
  readonly actual: readonly string[];
}

export interface ScenarioReport {
  readonly file: string;
  readonly blocks: number;
  readonly differences: readonly ScenarioDifference[];
  /** Invariants that the scenario's history breaks. */
  readonly violations: readonly string[];
}

/** Runs scenario files; with `rewrite`, their expected outputs become what was printed. Throws UsageError for a file that is not a scenario. */
export async function runScenarioFiles(
  files: readonly string[],
  options: { readonly rewrite: boolean },
): Promise<ScenarioReport[]> {
  const reports: ScenarioReport[] = [];
  for (const file of files) {
    const scenario = parseScenario(file, await readScenario(file));
    const { report, outputs } = await runScenario(file, scenario);
    if (options.rewrite && report.differences.length > 0) await writeFile(file, formatScenario(scenario, outputs));
    reports.push(report);
  }
  return reports;
}

async function readScenario(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw unreadable(file, error);
  }
}

export async function runScenario(
  file: string,
  scenario: Scenario,
): Promise<{ report: ScenarioReport; outputs: string[][] }> {
  const session: Session = { world: newWorld() };
  const violations: string[] = [];
  const outputs: string[][] = [];
  for (const block of scenario.blocks) outputs.push(await runBlock(file, block, session, violations));
  checkWorld(session.world, violations);
  const differences = scenario.blocks.flatMap((block, i) => difference(file, block, outputs[i] ?? []));
  return { report: { file, blocks: scenario.blocks.length, differences, violations }, outputs };
}

async function runBlock(file: string, block: ScenarioBlock, session: Session, violations: string[]): Promise<string[]> {
  const output: string[] = [];
  for (const command of block.commands) {
    const before = session.world;
    output.push(...(await runLine(file, command, session)));
    if (session.world !== before) checkWorld(before, violations);
  }
  return output;
}

async function runLine(file: string, { line, text }: ScenarioLine, session: Session): Promise<readonly string[]> {
  try {
    return await runCommand(session, text);
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${file}:${line}: ${error.message}`);
    throw error;
  }
}

function checkWorld(world: World, violations: string[]): void {
  // Every time is true virtual time.
  const sanitizer = new Sanitizer({ sharedClock: true });
  for (const event of world.history) sanitizer.observe(event);
  for (const violation of sanitizer.finish({ complete: true }).violations) {
    violations.push(`invariant ${violation.invariant}, ${violation.rule}: ${violation.message}`);
  }
}

function difference(file: string, block: ScenarioBlock, actual: readonly string[]): ScenarioDifference[] {
  if (actual.join("\n") === block.expected.join("\n")) return [];
  const commands = block.commands.map((command) => command.text);
  return [{ file, line: block.commands[0]?.line ?? 0, commands, expected: block.expected, actual }];
}
