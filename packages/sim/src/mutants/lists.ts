import type { InstructionResult } from "@vmcslab/nested";
import type { Saboteur } from "../host/sim-host.js";
import type { Mutant } from "./mutant.js";
import { rewriting, withoutSteps } from "./rewriting.js";
import { isCrossCpuClear, sabotage } from "./world.js";

const LOADED: InstructionResult = { status: "succeed", launched: false };

/**
 * The per-CPU current pointer as this L0 keeps it: by address, and not reset by the callback of a cross-CPU clear. The clears that a CPU executes for itself reset it.
 */
function currentKept(): Saboteur {
  return sabotage((world) => {
    const current = new Map<number, number>();
    return {
      hypervisor: () => current.clear(),
      fact(fact) {
        if (fact.kind === "cpu.lost" && fact.cpu !== undefined) current.delete(fact.cpu);
        return fact;
      },
      ...rewriting(world, (batch) => {
        const { cpu } = batch;
        if (isCrossCpuClear(batch)) return undefined;
        return withoutSteps(batch, (step) => {
          if (step.kind === "vmxoff") current.delete(cpu);
          else if (step.kind === "vmclear" && step.epoch !== 0 && current.get(cpu) === step.region) current.delete(cpu);
          if (step.kind !== "vmptrld") return undefined;
          // Current already, it believes: only VMPTRLDs that make a VMCS active are in question, the core leaves out the others.
          if (step.image !== undefined && current.get(cpu) === step.region) return LOADED;
          current.set(cpu, step.region);
          return undefined;
        });
      }),
    };
  });
}

/** How much later than `cpu = none` the removal from the list is seen: what a store buffer may do. */
const REORDERED_NS = 100;

/** A list removal unlinks the entry from whatever list it is in by then. */
function unlinkedLate(): Saboteur {
  return sabotage((world) => ({
    fact(fact) {
      const vmcs = fact.kind === "ipi.acked" ? world.vmcs(fact.vmcs) : undefined;
      if (vmcs === undefined) return fact;
      const { state } = world;
      const { scheduler } = world.host;
      scheduler.at(scheduler.nowNs + REORDERED_NS, () => {
        for (const cpu of state.cpus.values()) cpu.loaded.delete(vmcs);
      });
      return fact;
    },
  }));
}

/** Mistakes in what L0 keeps per CPU: the current VMCS and the list of those that are active. */
export const LIST_MUTANTS: readonly Mutant[] = [
  {
    name: "h18-current-kept",
    origin: "H18",
    says: "A cross-CPU clear leaves the target's current pointer on the VMCS, so the next load of it there, or of another VMCS at its address, leaves VMPTRLD out.",
    fixedBy: "step 2 of KVM's __loaded_vmcs_clear; identities that are never reused",
    breaks: "record-cpu: VMWRITE fails without a current VMCS, and L0 believes the VMCS active there.",
    create: currentKept,
  },
  {
    name: "h8-unlinked-late",
    origin: "H8",
    says: "The CPU that takes a VMCS sees `cpu` = none before it sees the removal from the old CPU's list, and so loses it from its own.",
    fixedBy: "KVM 5a560f8b5e27: a write barrier between the two, a read barrier where it is loaded",
    breaks: "record-cpu or lost-update: a CPU goes down, or is lost, with a VMCS that is in no list.",
    create: unlinkedLate,
  },
];
