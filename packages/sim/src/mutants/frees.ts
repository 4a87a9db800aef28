import type { Saboteur } from "../host/sim-host.js";
import { conduct, whenLocked } from "./conduct.js";
import type { Mutant } from "./mutant.js";
import { forgetWhere, type LoadedVmcs, sabotage, type Vcpu, vmcssOf, type World } from "./world.js";

/** A vcpu is destroyed, and these of its VMCSs are taken to be active nowhere. */
function uncleared(world: World, which: (vcpu: Vcpu) => readonly LoadedVmcs[]): Pick<Saboteur, "operation"> {
  return {
    operation: (operation) =>
      conduct(
        world,
        operation,
        whenLocked(({ name, vcpu: id }) => {
          const vcpu = id === undefined ? undefined : world.state.vcpus.get(id);
          if (name === "destroyVcpu" && vcpu !== undefined)
            for (const vmcs of which(vcpu)) forgetWhere(world.state, vmcs);
        }),
      ),
  };
}

function vmcs01Lost(): Saboteur {
  return sabotage((world) => {
    const lost = new Set<LoadedVmcs>();
    return {
      ...uncleared(world, ({ guestMode, vmcs01 }) => {
        if (guestMode) lost.add(vmcs01);
        return guestMode ? [vmcs01] : [];
      }),
      hypervisor({ state }) {
        const free = state.freeVmcs.bind(state);
        state.freeVmcs = (vmcs, operation) => {
          if (!lost.has(vmcs)) free(vmcs, operation);
        };
      },
    };
  });
}

/** Mistakes in how VMCSs go when their vcpu does. */
export const FREE_MUTANTS: readonly Mutant[] = [
  {
    name: "freed-uncleared",
    origin: "protocol",
    says: "A vcpu's VMCSs are freed without being cleared.",
    fixedBy: "SDM 24.11.1; KVM 543e42436643",
    breaks: "freed-active: a processor may write them back into somebody else's pages.",
    create: () => sabotage((world) => uncleared(world, vmcssOf)),
  },
  {
    name: "h2-freed-in-use",
    origin: "H2",
    says: "A vcpu dies in L2, and the vmcs02 in use is freed like any other, by a record that says nothing about a VMCS in use.",
    fixedBy: "kernel 4.9 leaves L2 first, warns, and rather leaks",
    breaks: "freed-active: L2 was running on it.",
    create: () => sabotage((world) => uncleared(world, ({ guestMode, loaded }) => (guestMode ? [loaded] : []))),
  },
  {
    name: "h13-vmcs01-lost",
    origin: "H13",
    says: "A vcpu dies in L2: what is in use is freed, and nobody remembers vmcs01.",
    fixedBy: "KVM ff2f6fe96188 as merged, and 26a865f4aa8e for what came of that",
    breaks: "outlives-active or outlives-allocated: vmcs01 outlives its vcpu.",
    create: vmcs01Lost,
  },
];
