/** What is measured: each case executes `count` instructions, or rounds, through `Processor.execute`. */
import { ExitReason, Field, Op, Status } from "../../packages/vmx/dist/index.js";
import { createBenchMachine, instruction, VMCS_A, VMCS_B, writeValidGuest } from "./machine.mjs";

const vmptrldA = instruction({ op: Op.vmptrld, low: VMCS_A });
const vmptrldB = instruction({ op: Op.vmptrld, low: VMCS_B });
const vmclearA = instruction({ op: Op.vmclear, low: VMCS_A });
const vmread = instruction({ op: Op.vmread, field: Field.GUEST_RIP });
const vmwrite = instruction({ op: Op.vmwrite, field: Field.GUEST_RIP });
const vmresume = instruction({ op: Op.vmresume });
const vmexit = instruction({ op: Op.vmexit, reason: ExitReason.vmcall, length: 3 });
const nop = instruction({ op: Op.nop });
/** Nanoseconds for the loop of four at 29 million instructions per second. */
const LOOP_REFERENCE = 4 * (1000 / 29);
/** The statuses are summed so that no call can be left out; a wrong one stops the run. */
export const NULL_LOOP = {
  name: "null loop: 4 no-ops",
  instructions: 4,
  prepare() {
    const { processor } = createBenchMachine();
    return (rounds) => {
      let failures = 0;
      for (let round = 0; round < rounds; round++) {
        failures += processor.execute(nop).status;
        failures += processor.execute(nop).status;
        failures += processor.execute(nop).status;
        failures += processor.execute(nop).status;
      }
      return failures;
    };
  },
};
const loop = {
  name: "VMPTRLD A, VMWRITE, VMREAD, VMCLEAR A",
  instructions: 4,
  reference: LOOP_REFERENCE,
  goal: LOOP_REFERENCE,
  prepare() {
    const { processor } = createBenchMachine();
    return (rounds) => {
      let failures = 0;
      for (let round = 0; round < rounds; round++) {
        failures += processor.execute(vmptrldA).status;
        vmwrite.low = round & 0xffff;
        failures += processor.execute(vmwrite).status;
        const read = processor.execute(vmread);
        failures += read.status + (read.low ^ (round & 0xffff));
        failures += processor.execute(vmclearA).status;
      }
      return failures;
    };
  },
};
function single(name, reference, body) {
  return { name, instructions: 1, reference, prepare: body };
}
const singles = [
  single("VMREAD", 41, () => {
    const { processor } = createBenchMachine();
    processor.execute(vmptrldA);
    return (rounds) => {
      let failures = 0;
      for (let round = 0; round < rounds; round++) failures += processor.execute(vmread).status;
      return failures;
    };
  }),
  single("VMWRITE", 40, () => {
    const { processor } = createBenchMachine();
    processor.execute(vmptrldA);
    return (rounds) => {
      let failures = 0;
      for (let round = 0; round < rounds; round++) failures += processor.execute(vmwrite).status;
      return failures;
    };
  }),
  single("VMPTRLD, another active VMCS", 64, () => {
    const { processor } = createBenchMachine();
    return (rounds) => {
      let failures = 0;
      for (let round = 0; round < rounds; round++) {
        failures += processor.execute((round & 1) === 0 ? vmptrldA : vmptrldB).status;
      }
      return failures;
    };
  }),
  single("VMCLEAR, inactive VMCS", 54, () => {
    const { processor } = createBenchMachine();
    return (rounds) => {
      let failures = 0;
      for (let round = 0; round < rounds; round++) failures += processor.execute(vmclearA).status;
      return failures;
    };
  }),
];
/** Launched once; `everyRound` may change a field so that checks cannot be skipped. */
function entryCase(name, goal, field) {
  return {
    name,
    instructions: 2,
    reference: 6600,
    goal,
    prepare() {
      const machine = createBenchMachine();
      const { processor } = machine;
      processor.execute(vmptrldA);
      writeValidGuest(machine);
      processor.execute(instruction({ op: Op.vmlaunch }));
      processor.execute(vmexit);
      const touch = instruction({ op: Op.vmread, field: Field.VM_EXIT_REASON });
      if (field !== undefined) {
        const { low, high } = processor.execute(instruction({ op: Op.vmread, field }));
        Object.assign(touch, { op: Op.vmwrite, field, low, high });
      }
      return (rounds) => {
        let failures = 0;
        for (let round = 0; round < rounds; round++) {
          failures += processor.execute(touch).status;
          failures += processor.execute(vmresume).status - Status.vmentry;
          failures += processor.execute(vmexit).status - Status.vmexit;
        }
        return failures;
      };
    },
  };
}
const ENTRY_GOAL = 2000;
export const CASES = [
  loop,
  ...singles,
  entryCase("VMRESUME and exit, nothing changed", ENTRY_GOAL, undefined),
  entryCase("VMRESUME and exit, GUEST_RIP written", ENTRY_GOAL, Field.GUEST_RIP),
  entryCase("VMRESUME and exit, a control field written: all checks", ENTRY_GOAL, Field.PIN_BASED_VM_EXEC_CONTROL),
];
