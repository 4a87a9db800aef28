import { SCENARIO_COMMANDS } from "./commands.js";

/** The table of commands as docs/scenarios.md has it. */
export function scenarioReference(): string {
  const rows = Object.entries(SCENARIO_COMMANDS).map(([name, { takes, words, about }]) => {
    const given = takes.map((key) => (key.endsWith("?") ? `[${key.slice(0, -1)}=…]` : `${key}=…`));
    const usage = [name, ...(words === undefined ? [] : [words.replaceAll("|", "\\|")]), ...given].join(" ");
    return `| \`${usage}\` | ${about} |`;
  });
  return ["| command | what it does |", "| --- | --- |", ...rows].join("\n");
}
