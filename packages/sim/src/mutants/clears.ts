import type { Saboteur } from "../host/sim-host.js";
import type { Mutant } from "./mutant.js";
import { pretendCleared, rewriting } from "./rewriting.js";
import { forgetWhere, isCleared, isCrossCpuClear, type LoadedVmcs, NOWHERE, sabotage, type World } from "./world.js";

/** A vcpu that moves takes its VMCS with it, and leaves it behind all the same. */
function skipped(): Saboteur {
  return sabotage((world) => ({
    batch(batch, done, send) {
      if (isCrossCpuClear(batch) && world.nameOf(batch) === "placeVcpu") done(pretendCleared(batch));
      else send(batch, done);
    },
    // There is no IPI, so nobody says that there is; and the record goes from the one CPU to the other.
    fact(fact) {
      const isOfClear = fact.kind === "ipi.sent" || fact.kind === "ipi.acked" || isCleared(fact);
      return isOfClear && world.nameOf(fact) === "placeVcpu" ? undefined : fact;
    },
  }));
}

function unconfirmed(): Saboteur {
  return sabotage((world) => ({
    batch(batch, done, send) {
      if (!isCrossCpuClear(batch)) {
        send(batch, done);
        return;
      }
      const { state } = world;
      const cleared = batch.instructions.flatMap((step) => {
        const vmcs = step.kind === "vmclear" ? world.vmcsAt(step.region) : undefined;
        return vmcs === undefined ? [] : [{ vmcs, epoch: vmcs.epoch }];
      });
      for (const { vmcs } of cleared) {
        forgetWhere(state, vmcs);
        state.emitRecord(vmcs, batch.operation, "clear sent");
      }
      send(batch, (result) => {
        // What was flushed is in memory all the same: where nothing happened since, the core stores it.
        for (const { vmcs, epoch } of cleared)
          if (result.ok && vmcs.epoch === epoch && vmcs.cpu === NOWHERE) vmcs.cpu = batch.cpu;
        done(result);
      });
    },
  }));
}

function wrongCpu(): Saboteur {
  return sabotage((world) => ({
    ...rewriting(world, (batch) => {
      const cleared = batch.instructions.find((step) => step.kind === "vmclear");
      const cpu = cleared === undefined ? undefined : homeOf(world, world.vmcsAt(cleared.region));
      if (!isCrossCpuClear(batch) || cpu === undefined || cpu === batch.cpu) return undefined;
      // A processor does not mind: VMCLEAR of what is not active on it succeeds, and flushes nothing.
      const instructions = batch.instructions.map((step) => (step.kind === "vmclear" ? { ...step, epoch: 0 } : step));
      return { batch: { ...batch, cpu, instructions }, adapt: (result) => result };
    }),
    fact(fact) {
      if (fact.kind !== "ipi.sent" && fact.kind !== "ipi.acked") return fact;
      return { ...fact, to: homeOf(world, world.vmcs(fact.vmcs)) ?? fact.to };
    },
  }));
}

/** Where the VMCS's vcpu is. */
function homeOf({ state }: World, vmcs: LoadedVmcs | undefined): number | undefined {
  return vmcs === undefined ? undefined : state.vcpus.get(vmcs.vcpu)?.cpu;
}

/** Mistakes in how a VMCS is taken back from another CPU. */
export const CLEAR_MUTANTS: readonly Mutant[] = [
  {
    name: "clear-skipped",
    origin: "protocol",
    says: "A vcpu that moves loads its VMCS on the new CPU without clearing it on the old one.",
    fixedBy: "SDM 24.11.1",
    breaks: "active-twice: the VMCS is active on both CPUs.",
    create: skipped,
  },
  {
    name: "cpu-reset-unconfirmed",
    origin: "protocol",
    says: 'The record says "nowhere" when the clear is sent, and not when it is confirmed.',
    fixedBy: "SDM 24.11.1; step 6 of KVM's __loaded_vmcs_clear",
    breaks:
      "active-twice, freed-active or lost-update: a clear that ends indefinitely leaves the VMCS active where L0 no longer looks for it.",
    create: unconfirmed,
  },
  {
    name: "clear-to-wrong-cpu",
    origin: "protocol",
    says: "The clear goes to the CPU that the vcpu is placed on, not to the one that the VMCS was last loaded on.",
    fixedBy: "KVM d462b8192368",
    breaks:
      "active-twice or freed-active: VMCLEAR succeeds on a CPU that holds nothing, and the one that does is not asked.",
    create: wrongCpu,
  },
];
