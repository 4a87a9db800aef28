import type { AllocationKind, L1Instruction, L1OpName } from "@vmcslab/nested";
import { DEFAULT_CPU_MODEL } from "@vmcslab/vmx";
import { EXIT_REASON_NUMBERS } from "../capture/exit-reasons.js";
import { UsageError } from "../errors.js";
import { didYouMean } from "../text/suggest.js";
import { vmcs12Instructions } from "../workload/vmcs12-instructions.js";
import type { Arguments } from "./arguments.js";
import { renderCpus, renderOutcome, renderVcpu } from "./render.js";
import { World } from "./world.js";

/** What commands work on; `host` replaces it. */
export interface Session {
  world: World;
}

export interface ScenarioCommand {
  /** Arguments as `key` or, when it may be left out, `key?`. */
  readonly takes: readonly string[];
  /** Words that follow without `key=`. */
  readonly words?: string;
  readonly about: string;
  readonly run: (session: Session, given: Arguments) => readonly string[];
}

const OK = (): readonly string[] => ["ok"];

/** More than any machine has, and few enough for a text. */
const CPUS_MAX = 1024;

export function newWorld(given?: Arguments): World {
  const cpus = given?.number("cpus", 2) ?? 2;
  if (cpus < 1 || cpus > CPUS_MAX) throw new UsageError(`cpus=${cpus}: 1 to ${CPUS_MAX}`);
  return new World({
    cpus,
    poolSize: given?.number("pool", 1) ?? 1,
    memoryPages: given?.number("pages", 1024) ?? 1024,
    model: given?.has("model") === true ? given.text("model") : DEFAULT_CPU_MODEL,
  });
}

/** A CPU that the host has: the faults below reach past L0, which would say so itself. */
function boardCpu({ board }: World, given: Arguments): number {
  const cpu = given.number("cpu");
  if (!board.cpuNumbers.includes(cpu))
    throw new UsageError(`the host has no CPU ${cpu}: there are ${board.cpuNumbers.join(", ")}`);
  return cpu;
}

/** Every command of a scenario. docs/scenarios.md has this table, checked by a test. */
export const SCENARIO_COMMANDS: Readonly<Record<string, ScenarioCommand>> = {
  host: {
    takes: ["cpus?", "pool?", "pages?", "model?"],
    about: "A new host: CPUs (2), vmcs02 pool size (1), pages for VMCS and VMXON regions (1024), CPU model.",
    run: (session, given) => {
      session.world = newWorld(given);
      return ["ok"];
    },
  },
  "create-vcpu": {
    takes: ["cpu", "pool?", "vm?"],
    about: "Creates a vcpu on a CPU, with a pool size of its own if given; vcpus of one vm share L1's memory.",
    run: ({ world }, given) =>
      world.run(
        world.board.hypervisor.createVcpu({
          cpu: given.number("cpu"),
          ...(given.has("pool") ? { poolSize: given.number("pool") } : {}),
          ...(given.has("vm") ? { vm: given.number("vm") } : {}),
        }),
        (vcpu) => [`vcpu${vcpu}`],
      ),
  },
  "destroy-vcpu": {
    takes: ["vcpu"],
    about: "Destroys a vcpu, whatever it runs.",
    run: ({ world }, given) => world.run(world.board.hypervisor.destroyVcpu(given.number("vcpu")), OK),
  },
  l1: {
    takes: ["vcpu", "addr?", "field?", "value?"],
    words: "vmxon|vmxoff|vmclear|vmptrld|vmptrst|vmread|vmwrite|vmlaunch|vmresume|write32|zero [user] [movss]",
    about: "L1 executes one instruction, or stores into its memory.",
    run: ({ world }, given) => runInstructions(world, given, [instruction(given)]),
  },
  "build-vmcs12": {
    takes: ["vcpu", "addr"],
    about:
      "L1 writes KVM's revision identifier, executes VMCLEAR and VMPTRLD, and VMWRITEs a valid 64-bit guest. Shows only what is not a success.",
    run: ({ world }, given) => buildVmcs12(world, given),
  },
  exit: {
    takes: ["vcpu", "reason", "qualification?", "rip?"],
    words: "[interrupt-for-l1]",
    about:
      "Whoever runs on the vcpu leaves, for a reason by number or KVM's name; RIP is the guest's when it left; with an interrupt for L1 pending in L0, if said so.",
    run: ({ world }, given) =>
      world.run(
        world.board.hypervisor.guestExit({
          vcpu: given.number("vcpu"),
          reason: exitReason(given.text("reason")),
          qualification: given.bigint("qualification", 0n),
          guest: given.has("rip") ? [[GUEST_RIP, given.bigint("rip")]] : [],
          interruptForL1: given.words.includes("interrupt-for-l1"),
        }),
        ({ level, reflected }) => [`L${level} exit, ${reflected ? "reflected to L1" : "handled by L0"}`],
      ),
  },
  place: {
    takes: ["vcpu", "cpu"],
    about: "Moves a vcpu to another CPU.",
    run: ({ world }, given) =>
      world.run(world.board.hypervisor.placeVcpu(given.number("vcpu"), given.number("cpu")), OK),
  },
  offline: {
    takes: ["cpu"],
    about: "Takes a CPU offline on request: everything on it is cleared first.",
    run: ({ world }, given) =>
      world.run(world.board.hypervisor.offlineCpu(given.number("cpu")), (count) => [`ok, cleared ${count}`]),
  },
  online: {
    takes: ["cpu"],
    about: "Brings an offline CPU up again.",
    run: ({ world }, given) => world.run(world.board.hypervisor.onlineCpu(given.number("cpu")), OK),
  },
  kill: {
    takes: ["cpu"],
    about: "A CPU dies with all that it cached, and L0 notices.",
    run: ({ world }, given) => {
      world.board.kill(boardCpu(world, given));
      return ["ok"];
    },
  },
  restart: {
    takes: ["cpu"],
    about: "The CPU service starts again and registers.",
    run: ({ world }, given) => {
      const lines: string[] = [];
      world.board.register(boardCpu(world, given), (answer) => {
        lines.push(answer.ok ? "ok" : `error ${answer.error.code}: ${answer.error.message}`);
      });
      return [...world.takeDeliveries(), ...lines];
    },
  },
  "drop-request": {
    takes: ["cpu", "times?"],
    about:
      "The next batches to a CPU are lost on the way (1). Batches are executed in order, so each arrives with the next one.",
    run: ({ world }, given) => {
      world.board.injectFault(boardCpu(world, given), "dropRequest", given.number("times", 1));
      return ["ok"];
    },
  },
  "drop-reply": {
    takes: ["cpu", "times?"],
    about: "The next batches to a CPU are executed, and their completions are lost (1).",
    run: ({ world }, given) => {
      world.board.injectFault(boardCpu(world, given), "dropReply", given.number("times", 1));
      return ["ok"];
    },
  },
  unreachable: {
    takes: ["cpu", "times?"],
    about: "The next batches to a CPU are not sent, and L0 is told so: a definite error (1).",
    run: ({ world }, given) => {
      world.board.injectFault(boardCpu(world, given), "unreachable", given.number("times", 1));
      return ["ok"];
    },
  },
  "fail-alloc": {
    takes: ["times?"],
    words: "node|page",
    about: "The next allocations of a pool node or of a page fail (1).",
    run: ({ world }, given) => {
      world.board.hypervisor.state.allocator.refuseNext(
        allocationKind(given.word(0, "node or page")),
        given.number("times", 1),
      );
      return ["ok"];
    },
  },
  vcpu: {
    takes: ["vcpu"],
    about: "Prints a vcpu's nested state and its pool, most recently used first.",
    run: ({ world }, given) => {
      const state = world.board.hypervisor.nestedState(given.number("vcpu"));
      return state === undefined ? ["error notFound"] : renderVcpu(state);
    },
  },
  cpus: {
    takes: [],
    about: "Prints every CPU as kvm-unit-tests does: current and active VMCSs; a star marks a launched one.",
    run: ({ world }) => renderCpus(world.board, (region) => world.nameRegion(region)),
  },
  counters: {
    takes: [],
    about: "Prints L0's counters and what is allocated.",
    run: ({ world }) => {
      const { allocator } = world.board.hypervisor.state;
      const c = world.board.hypervisor.counters();
      return [
        `clears: local ${c.clearsLocal}, cross-CPU ${c.clearsCrossCpu}, first ${c.clearsInitial}`,
        `pool: hits ${c.poolHits}, recycles ${c.poolRecycles}, allocations ${c.poolAllocations}, frees ${c.poolFrees}`,
        `allocated: pages ${allocator.pagesInUse}, pool nodes ${allocator.nodesInUse}`,
      ];
    },
  },
};

const GUEST_RIP = 0x681e;

function exitReason(text: string): number {
  const byName = EXIT_REASON_NUMBERS.get(text);
  if (byName !== undefined) return byName;
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0 && number < 0x1_0000) return number;
  throw new UsageError(`reason=${text}: a number or one of KVM's names${didYouMean(text, EXIT_REASON_NUMBERS.keys())}`);
}

function allocationKind(word: string): AllocationKind {
  if (word === "node" || word === "page") return word;
  throw new UsageError(`fail-alloc ${word}: node or page`);
}

const L1_OPS: readonly L1OpName[] = [
  "vmxon",
  "vmxoff",
  "vmclear",
  "vmptrld",
  "vmptrst",
  "vmread",
  "vmwrite",
  "vmlaunch",
  "vmresume",
  "write32",
  "zero",
];

function instruction(given: Arguments): L1Instruction {
  const name = given.word(0, "an instruction");
  const op = L1_OPS.find((known) => known === name);
  if (op === undefined) throw new UsageError(`no instruction "${name}"${didYouMean(name, L1_OPS)}`);
  const mode = given.words.includes("user") ? { user: true } : {};
  switch (op) {
    case "vmxon":
    case "vmclear":
    case "vmptrld":
    case "zero":
      return { op, addr: given.bigint("addr"), ...mode };
    case "vmread":
      return { op, field: given.field("field"), ...mode };
    case "vmwrite":
      return { op, field: given.field("field"), value: given.bigint("value"), ...mode };
    case "vmlaunch":
    case "vmresume":
      return { op, ...(given.words.includes("movss") ? { movSs: true } : {}), ...mode };
    case "write32":
      return { op, addr: given.bigint("addr"), value: given.number("value") };
    default:
      return { op, ...mode };
  }
}

function runInstructions(world: World, given: Arguments, instructions: readonly L1Instruction[]): string[] {
  return world.run(world.board.hypervisor.runL1(given.number("vcpu"), instructions), (outcomes) =>
    outcomes.map((outcome, i) => renderOutcome(instructions[i]?.op ?? "", outcome)),
  );
}

function buildVmcs12(world: World, given: Arguments): string[] {
  const instructions = vmcs12Instructions(given.bigint("addr"));
  const lines = world.run(world.board.hypervisor.runL1(given.number("vcpu"), instructions), (outcomes) => {
    const failed = outcomes.flatMap((outcome, i) =>
      outcome.status === "succeed" ? [] : [renderOutcome(instructions[i]?.op ?? "", outcome)],
    );
    return failed.length === 0 ? ["ok"] : failed;
  });
  // Ninety exits and entries of the same kind say nothing.
  return lines.filter((line) => !line.startsWith("cpu"));
}
