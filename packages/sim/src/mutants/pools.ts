import type { Saboteur } from "../host/sim-host.js";
import type { Mutant } from "./mutant.js";
import { forgetWhere, sabotage } from "./world.js";

function keyKept(): Saboteur {
  return sabotage((world) => ({
    fact(fact) {
      const vcpu = fact.kind === "pool.recycle" ? world.state.vcpus.get(fact.vcpu ?? -1) : undefined;
      const entry = vcpu?.pool.find(({ vmcs }) => vmcs.id === fact.vmcs);
      if (vcpu === undefined || entry === undefined || fact.from === undefined) return fact;
      entry.vmptr = fact.from;
      return { ...fact, order: vcpu.poolOrder() };
    },
  }));
}

function vmxonTwice(): Saboteur {
  return sabotage((world) => ({
    fact(fact) {
      const isSecond = fact.kind === "l1.instruction" && fact.instruction === "vmxon" && fact.error === 15;
      const vcpu = isSecond ? world.state.vcpus.get(fact.vcpu ?? -1) : undefined;
      if (vcpu === undefined) return fact;
      vcpu.pool.length = 0;
      const { error: _, ...succeeded } = fact;
      return { ...succeeded, status: "succeed" };
    },
  }));
}

/** The record of a vmcs02 is a copy, right only if whoever switches away from it brings it up to date. */
function recordForgotten(): Saboteur {
  return sabotage((world) => ({
    fact(fact) {
      const vcpu =
        fact.kind === "nested.exit" && fact.toL1 === true ? world.state.vcpus.get(fact.vcpu ?? -1) : undefined;
      const vmcs02 = vcpu?.pool.find(({ vmptr }) => vmptr === fact.vmptr)?.vmcs;
      if (vmcs02 === undefined) return fact;
      forgetWhere(world.state, vmcs02);
      world.state.emitRecord(vmcs02, fact.operation, "switched away");
      return fact;
    },
  }));
}

/** Mistakes in the pool of vmcs02s. */
export const POOL_MUTANTS: readonly Mutant[] = [
  {
    name: "recycled-key-kept",
    origin: "protocol",
    says: "A recycled entry keeps the key of the vmcs12 that it was for.",
    breaks: "pool-order or pool-victim: the pool finds the wrong L2's vmcs02, or none.",
    create: keyKept,
  },
  {
    name: "h12-vmxon-twice",
    origin: "H12",
    says: "VMXON while VMX operation is on begins a new, empty pool and forgets the old one.",
    fixedBy: "kernel 4.9: error 15 before anything is touched",
    breaks: "pool-order, outlives-active or outlives-allocated: what was in the pool is never freed.",
    create: vmxonTwice,
  },
  {
    name: "h19-record-not-copied",
    origin: "H19",
    says: "Switching from a vmcs02 to vmcs01 does not bring the pool entry's copy of `cpu` and `launched` up to date.",
    fixedBy: "KVM d462b8192368: one record per VMCS, pointed to and never copied",
    breaks: "record-cpu: the vmcs02 is active, and recorded as active nowhere.",
    create: recordForgotten,
  },
];
