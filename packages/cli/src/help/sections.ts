/** Help texts: an example first, then commander's own, then environment and exit codes. */
import type { CommandUnknownOpts } from "@commander-js/extra-typings";

export interface HelpSections {
  /** Command lines to paste, each with what it does. */
  readonly examples: readonly (readonly [command: string, about: string])[];
  readonly environment?: Readonly<Record<string, string>>;
  /** The codes of this command; `vmcslab help exit-codes` has all. */
  readonly exitCodes?: Readonly<Record<string, string>>;
}

export function addHelpSections<C extends CommandUnknownOpts>(command: C, sections: HelpSections): C {
  const { examples, environment = {}, exitCodes = {} } = sections;
  command.addHelpText("before", `${section("Example", Object.fromEntries(examples))}\n`);
  const after = [
    ...(Object.keys(environment).length === 0 ? [] : [section("Environment", environment)]),
    ...(Object.keys(exitCodes).length === 0 ? [] : [section("Exit codes", exitCodes)]),
  ];
  if (after.length > 0) command.addHelpText("after", `\n${after.join("\n\n")}`);
  return command;
}

function section(title: string, rows: Readonly<Record<string, string>>): string {
  const width = Math.max(...Object.keys(rows).map((key) => key.length));
  const lines = Object.entries(rows).map(([key, value]) => `  ${key.padEnd(width)}  ${value}`.trimEnd());
  return [`${title}:`, ...lines].join("\n");
}
