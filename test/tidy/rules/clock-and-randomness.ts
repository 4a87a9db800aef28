import { type Exceptions, isTest, matches, type Offence, type SourceFile, workspaceOf } from "../source-file.js";

/** The one place that asks the machine. */
export const CLOCK_FILES: Exceptions = {
  "packages/runtime/src/clock.ts": "the clock port's adapter for the real world",
};

/** Those that may set a timer besides it: where no other clock could ever run. */
export const TIMER_FILES: Exceptions = {
  ...CLOCK_FILES,
  "packages/lab/src/target/embedded/child.ts": "watches real child processes",
  "packages/cli/src/output/progress.ts": "redraws a line of a terminal",
};

const NOW = String.raw`\bDate\.now\b|\bnew Date\(\s*\)|(?<![.\w])Date\(\s*\)|\bperformance\.(?:now|timeOrigin)\b|\bhrtime\b`;
const RANDOM = String.raw`\bMath\.random\b|\brandomUUID\b|\brandomBytes\b|\brandomInt\b|\bgetRandomValues\b`;
const ASKS_THE_MACHINE = new RegExp(`${NOW}|${RANDOM}`, "g");
const SETS_A_TIMER = /(?<![.\w#])set(?:Timeout|Interval)\b/g;

/** Code whose time and randomness come from one file can be run under another clock. */
export function findClockOffences(files: readonly SourceFile[]): Offence[] {
  const shells = files.filter((file) => workspaceOf(file.path) !== undefined && !isTest(file));
  return [...find(shells, ASKS_THE_MACHINE, CLOCK_FILES), ...find(shells, SETS_A_TIMER, TIMER_FILES)];
}

function find(files: readonly SourceFile[], pattern: RegExp, allowed: Exceptions): Offence[] {
  return files
    .filter(({ path }) => !(path in allowed))
    .flatMap((file) =>
      [...matches(file.code, pattern)].map(({ match, line }) => ({
        path: file.path,
        line,
        message: `${match[0]} asks the machine for time or randomness: take a Clock, which packages/runtime/src/clock.ts implements`,
      })),
    );
}
