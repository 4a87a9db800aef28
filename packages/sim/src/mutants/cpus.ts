import type { Saboteur } from "../host/sim-host.js";
import { conduct, cpuLocked } from "./conduct.js";
import type { Mutant } from "./mutant.js";
import { isTakeDown, sabotage } from "./world.js";

/** The per-CPU list is one of vcpus: of each, the VMCS in use. */
export function poolEntriesForgotten(): Saboteur {
  return sabotage((world) => ({
    operation: (operation) =>
      conduct(world, operation, function* forget(wait, begun) {
        const input = yield wait;
        const number = begun.name === "offlineCpu" ? cpuLocked(wait) : undefined;
        const { state } = world;
        const cpu = number === undefined ? undefined : state.cpus.get(number);
        for (const vmcs of cpu?.loaded ?? []) if (state.vcpus.get(vmcs.vcpu)?.loaded !== vmcs) cpu?.loaded.delete(vmcs);
        return input;
      }),
  }));
}

/** Takes no lock, and closes the door last. */
function offlineUnlocked(): Saboteur {
  return sabotage((world) => ({
    operation: (operation) =>
      conduct(world, operation, function* unlocked(wait, begun) {
        return begun.name === "offlineCpu" && cpuLocked(wait) !== undefined ? [] : yield wait;
      }),
    batch(batch, done, send) {
      const cpu =
        isTakeDown(batch) && world.nameOf(batch) === "offlineCpu" ? world.state.cpus.get(batch.cpu) : undefined;
      if (cpu === undefined) {
        send(batch, done);
        return;
      }
      cpu.state = "online";
      send(batch, (result) => {
        if (cpu.state === "online") cpu.state = "going";
        done(result);
      });
    },
  }));
}

/** Mistakes in how a CPU comes and goes. */
export const CPU_MUTANTS: readonly Mutant[] = [
  {
    name: "h6-offline-forgets-pool",
    origin: "H6",
    says: "A CPU that goes down clears the VMCSs that vcpus have in use, and not those that wait in their pools.",
    fixedBy: "KVM d462b8192368: the per-CPU list is one of VMCSs, not of vcpus",
    breaks: "record-cpu or lost-update: VMXOFF drops what was never written back.",
    create: poolEntriesForgotten,
  },
  {
    name: "offline-unlocked",
    origin: "protocol",
    says: "Taking a CPU offline takes no lock, and others may load VMCSs there until it is down.",
    fixedBy: "KVM excludes it by switching preemption off while it loads",
    breaks: "record-cpu or lost-update: what is loaded behind the walk through the list is not cleared.",
    create: offlineUnlocked,
  },
  {
    name: "lease-ignored",
    origin: "protocol",
    says: "A CPU goes on when its lease has ended.",
    fixedBy: "packages/nested/src/lease/cpu-lease.ts",
    breaks: "outlives-lease: L0 has fenced it, and rebuilt its VMCSs elsewhere.",
    create: () => ({ ignoresLease: true }),
  },
];
