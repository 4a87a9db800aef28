import type { L1Instruction, L1OpName } from "@vmcslab/nested";
import { UsageError } from "../../errors.js";
import { didYouMean } from "../../text/suggest.js";
import { vmcs12Instructions } from "../../workload/vmcs12-instructions.js";
import type { Arguments } from "../arguments.js";
import { renderOutcome } from "../render.js";
import { ask } from "../world.js";
import type { ScenarioCommand } from "./command.js";

/** What L1 does. */
export const L1_COMMANDS: Readonly<Record<string, ScenarioCommand>> = {
  l1: {
    takes: ["vcpu", "addr?", "field?", "value?"],
    words: "vmxon|vmxoff|vmclear|vmptrld|vmptrst|vmread|vmwrite|vmlaunch|vmresume|write32|zero [user] [movss]",
    about: "L1 executes one instruction, or stores into its memory.",
    ask: (given) => {
      const [vcpu, instructions] = [given.number("vcpu"), [instruction(given)]];
      return ask(
        (hypervisor) => hypervisor.runL1(vcpu, instructions),
        (outcomes) => outcomes.map((outcome, i) => renderOutcome(instructions[i]?.op ?? "", outcome)),
      );
    },
  },
  "build-vmcs12": {
    takes: ["vcpu", "addr"],
    about:
      "L1 writes KVM's revision identifier, executes VMCLEAR and VMPTRLD, and VMWRITEs a valid 64-bit guest. Shows only what is not a success.",
    // Ninety exits and entries of the same kind.
    hidesBatches: true,
    ask: (given) => {
      const [vcpu, instructions] = [given.number("vcpu"), vmcs12Instructions(given.bigint("addr"))];
      return ask(
        (hypervisor) => hypervisor.runL1(vcpu, instructions),
        (outcomes) => {
          const failed = outcomes.flatMap((outcome, i) =>
            outcome.status === "succeed" ? [] : [renderOutcome(instructions[i]?.op ?? "", outcome)],
          );
          return failed.length === 0 ? ["ok"] : failed;
        },
      );
    },
  },
};

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
