import type { EventFact } from "@vmcslab/history";
import type { Hypervisor, OutgoingBatch } from "@vmcslab/nested";
import type { Saboteur, SimHost } from "../host/sim-host.js";
import { combine } from "./combine.js";

export type HostState = Hypervisor["state"];
export type Vcpu = ReturnType<HostState["vcpu"]>;
export type LoadedVmcs = Vcpu["vmcs01"];

/** `cpu` of a VMCS that is active nowhere. */
export const NOWHERE = -1;

/** An operation of L0, as its op.begin names it. */
export interface Begun {
  readonly operation: number;
  readonly name: string;
  readonly vcpu: number | undefined;
}

/** What a mutant has to know of the host around it: which L0 lives, and what its operations are. */
export class World implements Saboteur {
  #host: SimHost | undefined;
  #state: HostState | undefined;
  readonly #begun = new Map<number, Begun>();
  /** The operation that began last. */
  latest: Begun | undefined;

  install(host: SimHost): void {
    this.#host = host;
  }

  hypervisor({ state }: Hypervisor): void {
    this.#state = state;
    this.#begun.clear();
  }

  fact(fact: EventFact): EventFact {
    if (fact.kind === "op.begin") {
      const { operation, instruction: name = "", vcpu } = fact;
      this.latest = { operation, name, vcpu };
      this.#begun.set(operation, this.latest);
    }
    return fact;
  }

  get host(): SimHost {
    if (this.#host === undefined) throw new Error("a mutant is used before it is installed");
    return this.#host;
  }

  /** Of the L0 that lives, or lived last. */
  get state(): HostState {
    if (this.#state === undefined) throw new Error("a mutant is used before L0 lives");
    return this.#state;
  }

  nameOf({ operation }: { readonly operation: number }): string | undefined {
    return this.#begun.get(operation)?.name;
  }

  vmcs(id: number | undefined): LoadedVmcs | undefined {
    return this.#find((vmcs) => vmcs.id === id);
  }

  /** The VMCS that has this page now. */
  vmcsAt(region: number): LoadedVmcs | undefined {
    return this.#find((vmcs) => vmcs.region === region);
  }

  #find(isIt: (vmcs: LoadedVmcs) => boolean): LoadedVmcs | undefined {
    for (const vcpu of this.state.vcpus.values()) {
      const found = vmcssOf(vcpu).find(isIt);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** A saboteur that knows its world. */
export function sabotage(build: (world: World) => Saboteur): Saboteur {
  const world = new World();
  return combine([world, build(world)]);
}

export function vmcssOf(vcpu: Vcpu): LoadedVmcs[] {
  return [vcpu.vmcs01, ...vcpu.pool.map((entry) => entry.vmcs)];
}

/** L0's record of this VMCS says "nowhere" from now on, whatever the CPUs hold. */
export function forgetWhere(state: HostState, vmcs: LoadedVmcs): void {
  if (vmcs.cpu === NOWHERE) return;
  state.cpu(vmcs.cpu).loaded.delete(vmcs);
  vmcs.cpu = NOWHERE;
  vmcs.launched = false;
  vmcs.clearInDoubt = false;
}

/** Causes of a record that says "nowhere" without a VMCLEAR having said so. */
const NOT_CLEARED: ReadonlySet<string | undefined> = new Set(["initialised", "cpu lost", "not loaded"]);

/** L0 has applied the completion of a VMCLEAR. */
export function isCleared(fact: EventFact): boolean {
  return fact.kind === "vmcs.record" && fact.cpu === NOWHERE && !NOT_CLEARED.has(fact.cause);
}

/** A cross-CPU clear: what the target of the IPI executes ends with going back to its guest. */
export function isCrossCpuClear({ instructions }: OutgoingBatch): boolean {
  return instructions.at(-1)?.kind === "resumeInterrupted";
}

/** A CPU is taken offline. */
export function isTakeDown({ instructions }: OutgoingBatch): boolean {
  return instructions.at(-1)?.kind === "vmxoff";
}
