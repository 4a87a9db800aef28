import { DEFAULT_DESIGN, NO_LEASE } from "@vmcslab/nested";
import { DEFAULT_CPU_MODEL } from "@vmcslab/vmx";
import { UsageError } from "../../errors.js";
import { Arguments, parseDuration } from "../arguments.js";
import { parseCall } from "../parse.js";
import { World } from "../world.js";
import type { ScenarioCommand } from "./command.js";

/** More than any machine has, and few enough for a text. */
const CPUS_MAX = 1024;
const MS = 1_000_000;

const HOST_TAKES = [
  ...["cpus?", "pool?", "design?", "preparation?", "clearing?"],
  ...["pages?", "model?", "lost-cpu?", "lease?", "drift?"],
  ...["beat?", "deadline?", "resend?", "latency?"],
];

export function newWorld(given = new Arguments(parseCall("host"), [])): World {
  const cpus = given.number("cpus", 2);
  if (cpus < 1 || cpus > CPUS_MAX) throw new UsageError(`cpus=${cpus}: 1 to ${CPUS_MAX}`);
  const policy = given.choice("lost-cpu", ["wait", "fence", "kill"], "wait");
  const driftPpm = given.number("drift", 10_000);
  if (driftPpm > 500_000) throw new UsageError(`drift=${driftPpm}: 0 to 500000`);
  return new World({
    cpus,
    poolSize: given.number("pool", 1),
    design: {
      vmcs02: given.choice("design", ["pool", "single"], DEFAULT_DESIGN.vmcs02),
      preparation: given.choice("preparation", ["full", "incremental"], DEFAULT_DESIGN.preparation),
      clearing: given.choice("clearing", ["oneByOne", "perCpu", "atOnce"], DEFAULT_DESIGN.clearing),
    },
    memoryPages: given.number("pages", 1024),
    model: given.has("model") ? given.text("model") : DEFAULT_CPU_MODEL,
    lostVmcs: policy === "kill" ? "kill" : "rebuild",
    lease: policy === "wait" ? NO_LEASE : { durationNs: positive(given, "lease", 5 * MS), driftPpm },
    beatNs: positive(given, "beat", MS),
    deadlineNs: positive(given, "deadline", 20 * MS),
    resendNs: positive(given, "resend", 2 * MS),
    latencyNs: given.durationNs("latency", 0),
  });
}

function positive(given: Arguments, key: string, fallback: number): number {
  const ns = given.durationNs(key, fallback);
  if (ns === 0) throw new UsageError(`${key}=${given.text(key)}: must be longer than 0`);
  return ns;
}

/** The host itself, and its time. */
export const HOST_COMMANDS: Readonly<Record<string, ScenarioCommand>> = {
  host: {
    takes: HOST_TAKES,
    about:
      "A new host: CPUs (2), vmcs02 pool size (1), design: pool or single (pool), preparation: full or incremental (full), clearing: oneByOne, perCpu or atOnce (atOnce), pages for VMCS and VMXON regions (1024), CPU model; what L0 does about a silent CPU: wait, fence or kill (wait), its lease (5ms), by how much two clocks may differ in ppm (10000), how often a CPU says that it is there (1ms); how long L0 waits for a batch (20ms), when it first sends it again (2ms); latency of a link one way (0ms).",
    run: (session, given) => {
      session.world = newWorld(given);
      return ["ok"];
    },
  },
};

export const TIME_COMMANDS: Readonly<Record<string, ScenarioCommand>> = {
  wait: {
    takes: [],
    words: "NAME",
    about: "Lets time pass until an operation that was started has ended.",
    run: ({ world }, given) => world.wait(given.word(0, "the name of an operation that was started")),
  },
  advance: {
    takes: [],
    words: "DURATION [beats]",
    about:
      "Lets so much time pass and prints what happens, each line with how much later that is: what goes over the links (heartbeats and their answers only if said so), how operations that were started end, and events of the protocol.",
    run: ({ world }, given) =>
      world.advance(parseDuration("advance ", given.word(0, "a duration")), given.words.includes("beats")),
  },
};
