import type { Distribution, Fault } from "@vmcslab/faults";
import type { Design } from "@vmcslab/nested";

/** What an L0 does about a CPU that is silent or lost. */
export type LostCpuPolicy = "wait" | "fence" | "kill";

/** One operation of a plan. vcpus are slots of the plan: what `create` fills and the others use. Addresses of vmcs12s are guests, numbered from 0. */
export type PlannedStep =
  | { readonly kind: "create"; readonly vcpu: number; readonly cpu: number; readonly poolSize: number }
  /** L1 enters VMX operation if it has not, builds the vmcs12 of this guest and VMCLEARs it. */
  | { readonly kind: "build"; readonly vcpu: number; readonly guest: number }
  /** VMPTRLD, then VMLAUNCH or VMRESUME, whichever this vmcs12 needs. */
  | { readonly kind: "enter"; readonly vcpu: number; readonly guest: number }
  /** The guest leaves; `reason` is a basic exit reason of SDM appendix C. */
  | { readonly kind: "exit"; readonly vcpu: number; readonly reason: number }
  | { readonly kind: "vmclear"; readonly vcpu: number; readonly guest: number }
  | { readonly kind: "vmxoff"; readonly vcpu: number }
  | { readonly kind: "place"; readonly vcpu: number; readonly cpu: number }
  | { readonly kind: "destroy"; readonly vcpu: number }
  | { readonly kind: "offline"; readonly cpu: number }
  | { readonly kind: "online"; readonly cpu: number }
  /** L0 crashes, and its last act is to have every CPU VMCLEAR what it holds. Nothing is run any more. */
  | { readonly kind: "crashClearAll" };

export type PlannedOperation = PlannedStep & {
  /** When a client asks for it, ns since the beginning. */
  readonly atNs: number;
};

/** One run of the explorer, in full: what a seed drew, or what is left of it after shrinking. The same plan is the same run. */
export interface Plan {
  readonly seed: number;
  readonly cpus: number;
  readonly memoryPages: number;
  readonly policy: LostCpuPolicy;
  /** ns; only with `fence` and `kill`. */
  readonly leaseNs: number;
  readonly latency: Distribution;
  readonly inOrder: boolean;
  /** How long a record of L0's journal takes to be safe, ns. Absent: L0 keeps none, and a new life of it knows nothing. */
  readonly journalNs?: number;
  /** How L0 is built. Absent: as DEFAULT_DESIGN has it. */
  readonly design?: Design;
  readonly operations: readonly PlannedOperation[];
  readonly faults: readonly Fault[];
}

/** What is given instead of drawn. */
export interface ExploreScope extends Partial<Design> {
  readonly cpus?: number;
  readonly poolSize?: number;
  readonly policy?: LostCpuPolicy;
  readonly leaseNs?: number;
  readonly faults?: readonly Fault[];
}

/** Operations a person counts: what a client asked for. */
export function sizeOf(plan: Plan): { readonly operations: number; readonly faults: number; readonly cpus: number } {
  return { operations: plan.operations.length, faults: plan.faults.length, cpus: plan.cpus };
}
