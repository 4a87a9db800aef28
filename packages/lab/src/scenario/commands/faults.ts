import type { Fault, MessageAction } from "@vmcslab/faults";
import type { AllocationKind } from "@vmcslab/nested";
import { UsageError } from "../../errors.js";
import type { Arguments } from "../arguments.js";
import { FAULT_TAKES, readFaultCommand } from "../read-fault.js";
import type { World } from "../world.js";
import { OK, type ScenarioCommand } from "./command.js";

/** A CPU that the host has: what is done to it reaches past L0, which would say so itself. */
function cpuOf({ host }: World, given: Arguments): number {
  const cpu = given.number("cpu");
  if (host.cpus[cpu] === undefined)
    throw new UsageError(`the host has no CPU ${cpu}: there are ${host.cpus.map((known) => known.cpu).join(", ")}`);
  return cpu;
}

/** The next batches to a CPU, one fault for each. */
function strikeNext(world: World, given: Arguments, action: MessageAction): readonly string[] {
  const to = `cpu${cpuOf(world, given)}`;
  for (let nth = 1; nth <= given.number("times", 1); nth++) {
    const fault: Fault = { match: { from: "l0", to, method: "batch", nth }, action };
    world.host.inject(fault);
  }
  return ["ok"];
}

/** What is done to a host on purpose. */
export const FAULT_COMMANDS: Readonly<Record<string, ScenarioCommand>> = {
  kill: {
    takes: ["cpu"],
    about: "A CPU dies with all that it cached, and L0 notices at once: nobody listens at its address.",
    run: ({ world }, given) => {
      world.host.kill(cpuOf(world, given));
      return [...world.take(), "ok"];
    },
  },
  restart: {
    takes: ["cpu"],
    about: "The CPU service starts again and registers.",
    run: ({ world }, given) => {
      const cpu = world.host.cpus[cpuOf(world, given)];
      cpu?.crash();
      cpu?.start();
      const isBack = world.waitFor(
        () => cpu !== undefined && world.host.l0?.isRegistered(cpu.cpu, cpu.incarnation) === true,
      );
      return [...world.take(), isBack ? "ok" : "it could not register"];
    },
  },
  "drop-request": {
    takes: ["cpu", "times?"],
    about:
      "The next batches to a CPU are lost on the way (1). Batches are executed in the order of their numbers, so those behind them wait until they are sent again.",
    run: ({ world }, given) => strikeNext(world, given, { kind: "dropRequest" }),
  },
  "drop-reply": {
    takes: ["cpu", "times?"],
    about: "The next batches to a CPU are executed, and their completions are lost (1).",
    run: ({ world }, given) => strikeNext(world, given, { kind: "dropReply" }),
  },
  unreachable: {
    takes: ["cpu", "times?"],
    about: "The next batches to a CPU are not sent, and L0 is told so: a definite error (1).",
    run: ({ world }, given) => strikeNext(world, given, { kind: "error", definite: true }),
  },
  "fail-alloc": {
    takes: ["times?"],
    words: "node|page",
    about: "The next allocations of a pool node or of a page fail (1).",
    run: ({ world }, given) => {
      const kind = allocationKind(given.word(0, "node or page"));
      world.host.hypervisor?.state.allocator.refuseNext(kind, given.number("times", 1));
      return ["ok"];
    },
  },
  fault: {
    takes: FAULT_TAKES,
    words: "KIND",
    about:
      "A fault as in an experiment ([faults.md](faults.md)), from now on or from its `at` or `on`; `by` is also the length of a delay, `skipped` the number of events before the one it begins at.",
    run: async ({ world }, given) => {
      world.host.inject(await readFaultCommand(given, world.host.cpus.length));
      return [...world.take(), "ok"];
    },
  },
  heal: {
    takes: [],
    about: "Every fault ends now.",
    run: ({ world }) => {
      world.host.heal();
      return [...world.take(), ...OK()];
    },
  },
};

function allocationKind(word: string): AllocationKind {
  if (word === "node" || word === "page") return word;
  throw new UsageError(`fail-alloc ${word}: node or page`);
}
