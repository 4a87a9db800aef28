import { UsageError } from "../errors.js";
import { didYouMean } from "../text/suggest.js";
import { Arguments } from "./arguments.js";
import type { Lines, ScenarioCommand, Session } from "./commands/command.js";
import { FAULT_COMMANDS } from "./commands/faults.js";
import { HOST_COMMANDS, TIME_COMMANDS } from "./commands/host.js";
import { OPERATION_COMMANDS } from "./commands/operations.js";
import { SHOW_COMMANDS } from "./commands/show.js";
import { type CommandCall, parseCall } from "./parse.js";

/** Every command of a scenario. docs/scenarios.md has this table, checked by a test. */
export const SCENARIO_COMMANDS: Readonly<Record<string, ScenarioCommand>> = {
  ...HOST_COMMANDS,
  ...OPERATION_COMMANDS,
  start: {
    takes: [],
    words: "NAME COMMAND…",
    about:
      "Begins one of the operations above under a name. No time passes, and nothing arrives, before the next `wait`, `advance` or operation.",
    starts: true,
  },
  ...TIME_COMMANDS,
  ...FAULT_COMMANDS,
  ...SHOW_COMMANDS,
};

/** Runs one line. Throws UsageError for one that is no command. */
export async function runCommand(session: Session, text: string): Promise<Lines> {
  const call = parseCall(text);
  const command = commandNamed(call.name);
  session.world.begin();
  if ("starts" in command) return start(session, call);
  const given = argumentsOf(call, command);
  if ("run" in command) return await command.run(session, given);
  return session.world.run(command.ask(given), { hidesBatches: command.hidesBatches === true });
}

function start({ world }: Session, { words, named }: CommandCall): Lines {
  const [name, operation, ...rest] = words;
  if (name === undefined || operation === undefined)
    throw new UsageError("start needs a name and an operation: start move place vcpu=0 cpu=1");
  const command = commandNamed(operation);
  if (!("ask" in command)) throw new UsageError(`${operation} is done at once: it cannot be started`);
  return world.start(name, command.ask(argumentsOf({ name: operation, words: rest, named }, command)));
}

function commandNamed(name: string): ScenarioCommand {
  // What every object has is no command.
  const command = Object.hasOwn(SCENARIO_COMMANDS, name) ? SCENARIO_COMMANDS[name] : undefined;
  if (command === undefined)
    throw new UsageError(`no command "${name}"${didYouMean(name, Object.keys(SCENARIO_COMMANDS))}`);
  return command;
}

function argumentsOf(call: CommandCall, { takes }: ScenarioCommand): Arguments {
  return new Arguments(
    call,
    takes.map((key) => key.replace("?", "")),
  );
}
