import { EXIT_REASON_NUMBERS } from "../../capture/exit-reasons.js";
import { UsageError } from "../../errors.js";
import { didYouMean } from "../../text/suggest.js";
import { ask } from "../world.js";
import { OK, type ScenarioCommand } from "./command.js";
import { L1_COMMANDS } from "./l1.js";

const GUEST_RIP = 0x681e;

/** What one may ask of L0. */
export const OPERATION_COMMANDS: Readonly<Record<string, ScenarioCommand>> = {
  "create-vcpu": {
    takes: ["cpu", "pool?", "vm?"],
    about: "Creates a vcpu on a CPU, with a pool size of its own if given; vcpus of one vm share L1's memory.",
    ask: (given) => {
      const request = {
        cpu: given.number("cpu"),
        ...(given.has("pool") ? { poolSize: given.number("pool") } : {}),
        ...(given.has("vm") ? { vm: given.number("vm") } : {}),
      };
      return ask(
        (hypervisor) => hypervisor.createVcpu(request),
        (vcpu) => [`vcpu${vcpu}`],
      );
    },
  },
  "destroy-vcpu": {
    takes: ["vcpu"],
    about: "Destroys a vcpu, whatever it runs.",
    ask: (given) => {
      const vcpu = given.number("vcpu");
      return ask((hypervisor) => hypervisor.destroyVcpu(vcpu), OK);
    },
  },
  ...L1_COMMANDS,
  exit: {
    takes: ["vcpu", "reason", "qualification?", "rip?"],
    words: "[interrupt-for-l1]",
    about:
      "Whoever runs on the vcpu leaves, for a reason by number or KVM's name; RIP is the guest's when it left; with an interrupt for L1 pending in L0, if said so.",
    ask: (given) => {
      const request = {
        vcpu: given.number("vcpu"),
        reason: exitReason(given.text("reason")),
        qualification: given.bigint("qualification", 0n),
        guest: given.has("rip") ? [[GUEST_RIP, given.bigint("rip")] as const] : [],
        interruptForL1: given.words.includes("interrupt-for-l1"),
      };
      return ask(
        (hypervisor) => hypervisor.guestExit(request),
        ({ level, reflected }) => [`L${level} exit, ${reflected ? "reflected to L1" : "handled by L0"}`],
      );
    },
  },
  place: {
    takes: ["vcpu", "cpu"],
    about: "Moves a vcpu to another CPU.",
    ask: (given) => {
      const [vcpu, cpu] = [given.number("vcpu"), given.number("cpu")];
      return ask((hypervisor) => hypervisor.placeVcpu(vcpu, cpu), OK);
    },
  },
  offline: {
    takes: ["cpu"],
    about: "Takes a CPU offline on request: everything on it is cleared first.",
    ask: (given) => {
      const cpu = given.number("cpu");
      return ask(
        (hypervisor) => hypervisor.offlineCpu(cpu),
        (count) => [`ok, cleared ${count}`],
      );
    },
  },
  online: {
    takes: ["cpu"],
    about: "Brings an offline CPU up again.",
    ask: (given) => {
      const cpu = given.number("cpu");
      return ask((hypervisor) => hypervisor.onlineCpu(cpu), OK);
    },
  },
  "crash-clear-all": {
    takes: [],
    about: "L0 crashes and takes a dump: every VMCS on every CPU is cleared, and nothing runs any more.",
    ask: () =>
      ask(
        (hypervisor) => hypervisor.crashClearAll(),
        ({ cleared }) => [`ok, VMCSs in memory: ${cleared}`],
      ),
  },
};

function exitReason(text: string): number {
  const byName = EXIT_REASON_NUMBERS.get(text);
  if (byName !== undefined) return byName;
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0 && number < 0x1_0000) return number;
  throw new UsageError(`reason=${text}: a number or one of KVM's names${didYouMean(text, EXIT_REASON_NUMBERS.keys())}`);
}
