import { UsageError } from "../errors.js";

/** One golden step: commands, and what they must print. */
export interface ScenarioBlock {
  /** Lines kept as they are: comments and blank lines in front of the commands. */
  readonly preamble: readonly string[];
  readonly commands: readonly ScenarioLine[];
  readonly expected: readonly string[];
}

export interface ScenarioLine {
  /** 1-based. */
  readonly line: number;
  readonly text: string;
}

export interface Scenario {
  readonly blocks: readonly ScenarioBlock[];
  /** Comments after the last block. */
  readonly trailer: readonly string[];
}

const SEPARATOR = "----";

/** Commands up to a line `----`, then the expected output up to a blank line. Lines that start with # and blank lines between blocks are comments. */
export function parseScenario(file: string, text: string): Scenario {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const blocks: ScenarioBlock[] = [];
  let preamble: string[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? "";
    if (line.trim() === "" || line.startsWith("#")) {
      preamble.push(line);
      at++;
      continue;
    }
    const commands: ScenarioLine[] = [];
    for (; at < lines.length && lines[at] !== SEPARATOR; at++) {
      const command = lines[at] ?? "";
      if (command.trim() === "")
        throw new UsageError(`${file}:${at + 1}: expected a line "${SEPARATOR}" after the commands`);
      commands.push({ line: at + 1, text: command.trim() });
    }
    if (at === lines.length)
      throw new UsageError(`${file}:${lines.length}: the last commands have no line "${SEPARATOR}"`);
    at++;
    const expected: string[] = [];
    for (; at < lines.length && lines[at] !== ""; at++) expected.push(lines[at] ?? "");
    blocks.push({ preamble, commands, expected });
    preamble = [];
  }
  if (blocks.length === 0) throw new UsageError(`${file}: no command in it`);
  return { blocks, trailer: preamble };
}

/** The file as it would be with these outputs. */
export function formatScenario(scenario: Scenario, outputs: readonly (readonly string[])[]): string {
  const lines = scenario.blocks.flatMap((block, i) => [
    ...block.preamble,
    ...block.commands.map((command) => command.text),
    SEPARATOR,
    ...(outputs[i] ?? block.expected),
  ]);
  return `${[...lines, ...scenario.trailer].join("\n")}\n`;
}

/** `name key=value word` of one command line. */
export interface CommandCall {
  readonly name: string;
  readonly named: ReadonlyMap<string, string>;
  readonly words: readonly string[];
}

export function parseCall(text: string): CommandCall {
  const [name = "", ...parts] = text.split(/\s+/);
  const named = new Map<string, string>();
  const words: string[] = [];
  for (const part of parts) {
    const equals = part.indexOf("=");
    if (equals > 0) named.set(part.slice(0, equals), part.slice(equals + 1));
    else words.push(part);
  }
  return { name, named, words };
}
