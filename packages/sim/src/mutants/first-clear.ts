import type { InstructionResult } from "@vmcslab/nested";
import { Op, type Processor } from "@vmcslab/vmx";
import type { Saboteur } from "../host/sim-host.js";
import type { Mutant } from "./mutant.js";
import { rewriting, withoutSteps } from "./rewriting.js";
import { sabotage } from "./world.js";

const CLEARED: InstructionResult = { status: "succeed" };
const HIGH = 0x1_0000_0000;

/**
 * A page that no VMCLEAR has initialised says what it happens to say about the launch state: here, in every other page, "launched". The CPU places a home image as VMCLEAR
 * would have left it, so the processor is shown the page as it was.
 */
function neverInitialised(): Saboteur {
  return sabotage((world) => {
    const garbage = new Set<number>();
    const known = new WeakSet<Processor>();
    const show = (processor: Processor): void => {
      if (known.has(processor)) return;
      known.add(processor);
      const execute = processor.execute.bind(processor);
      processor.execute = (instruction) => {
        const region = instruction.low + instruction.high * HIGH;
        if (instruction.op === Op.vmptrld && garbage.delete(region)) processor.memory.writeLaunched(region, true);
        return execute(instruction);
      };
    };
    return {
      fact(fact) {
        if (fact.kind === "vmcs.allocated" && fact.region !== undefined && fact.vmcs !== undefined) {
          if (fact.vmcs % 2 === 0) garbage.add(fact.region);
          else garbage.delete(fact.region);
        }
        return fact;
      },
      arriving(cpu, batch) {
        show(cpu.processor);
        return batch;
      },
      ...rewriting(world, (batch) =>
        withoutSteps(batch, (step) => (step.kind === "vmclear" && step.epoch === 0 ? CLEARED : undefined)),
      ),
    };
  });
}

/** Mistakes in how a VMCS begins. */
export const ALLOCATION_MUTANTS: readonly Mutant[] = [
  {
    name: "h1-never-initialised",
    origin: "H1",
    says: "A new VMCS gets its revision identifier, and no VMCLEAR before it is loaded and entered.",
    fixedBy: "KVM ff2f6fe96188 as merged; SDM 24.11.3",
    breaks: "entry-refused: VMLAUNCH of a page that says it is launched.",
    create: neverInitialised,
  },
];
