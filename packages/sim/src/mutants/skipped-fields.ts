import {
  type BatchInstruction,
  type BatchResult,
  type FieldValues,
  FieldValuesBuilder,
  type Operation,
} from "@vmcslab/nested";
import { Field } from "@vmcslab/vmx";
import type { Saboteur } from "../host/sim-host.js";
import type { Mutant } from "./mutant.js";
import { rewriting } from "./rewriting.js";
import { sabotage, type Vcpu, type World } from "./world.js";

/** What KVM calls rare in prepare_vmcs02_rare: L1 seldom changes it, so it is worth skipping. */
const RARE: ReadonlySet<number> = new Set([
  ...[Field.GUEST_GDTR_BASE, Field.GUEST_GDTR_LIMIT, Field.GUEST_IDTR_BASE, Field.GUEST_IDTR_LIMIT],
  ...[Field.GUEST_TR_BASE, Field.GUEST_SYSENTER_CS, Field.GUEST_SYSENTER_ESP, Field.GUEST_SYSENTER_EIP],
]);
/** Of them, what L1 changes only when it builds a vmcs12, and what it changes by VMWRITE. */
const BUILT: ReadonlySet<number> = new Set([Field.GUEST_IDTR_BASE]);
const WRITTEN: ReadonlySet<number> = new Set([Field.GUEST_GDTR_BASE]);

function without({ encodings, low, high }: FieldValues, skipped: ReadonlySet<number>): FieldValues {
  const kept = new FieldValuesBuilder();
  encodings.forEach((encoding, i) => {
    if (skipped.has(encoding)) return;
    kept.encodings.push(encoding);
    kept.low.push(low[i] ?? 0);
    kept.high.push(high[i] ?? 0);
  });
  return kept;
}

/** Where a batch that ends with an entry writes what prepare_vmcs02 made; -1: it does not. */
function preparation(instructions: readonly BatchInstruction[]): number {
  const entry = instructions.at(-1)?.kind;
  const isEntry = entry === "vmlaunch" || entry === "vmresume";
  return isEntry && instructions.at(-2)?.kind === "vmwrite" ? instructions.length - 2 : -1;
}

/** An entry after this event of the pool leaves fields out. */
function skipping(
  world: World,
  after: "pool.recycle" | "pool.hit",
  skipped: ReadonlySet<number>,
): Pick<Required<Saboteur>, "fact" | "batch" | "operation"> {
  /** Operations that had the event and have not entered yet. */
  const entering = new Set<number>();
  return {
    fact(fact) {
      if (fact.kind === after) entering.add(fact.operation);
      else if (fact.kind === "op.end") entering.delete(fact.operation);
      return fact;
    },
    ...rewriting(world, (batch) => {
      const at = entering.has(batch.operation) ? preparation(batch.instructions) : -1;
      if (at < 0) return undefined;
      const instructions = batch.instructions.map((step, i) =>
        i === at && step.kind === "vmwrite" ? { ...step, fields: without(step.fields, skipped) } : step,
      );
      return { batch: { ...batch, instructions }, adapt: (result) => result };
    }),
  };
}

/** What an operation VMCLEARs. */
interface Clearing {
  readonly vcpu: number;
  readonly vmptrs: readonly number[];
}

/** L1's VMCLEAR leaves the pool's entry for that vmcs12 where it is: while such an operation of L0 works, the pool seems not to have one. */
function keyReused(): Saboteur {
  return sabotage((world) => {
    const clearings = new WeakMap<object, Clearing>();
    const skip = skipping(world, "pool.hit", BUILT);
    return {
      ...skip,
      hypervisor(hypervisor) {
        const runL1 = hypervisor.runL1.bind(hypervisor);
        hypervisor.runL1 = (vcpu, instructions) => {
          const operation = runL1(vcpu, instructions);
          const vmptrs = instructions.flatMap((step) => (step.op === "vmclear" ? [Number(step.addr)] : []));
          if (vmptrs.length > 0) clearings.set(operation, { vcpu, vmptrs });
          return operation;
        };
      },
      operation: (operation) => skip.operation(hiding(world, operation, clearings.get(operation))),
    };
  });
}

function* hiding<T>(world: World, operation: Operation<T>, clearing: Clearing | undefined): Operation<T> {
  const go = (results: readonly BatchResult[]): ReturnType<Operation<T>["next"]> => {
    const vcpu = clearing === undefined ? undefined : world.state.vcpus.get(clearing.vcpu);
    setHidden(vcpu, clearing, true);
    const step = operation.next(results);
    setHidden(vcpu, clearing, false);
    return step;
  };
  let step = go([]);
  while (step.done !== true) step = go(yield step.value);
  return step.value;
}

/** A key that nobody asks for, until it is itself again. */
function setHidden(vcpu: Vcpu | undefined, clearing: Clearing | undefined, isHidden: boolean): void {
  for (const entry of vcpu?.pool ?? []) {
    if (clearing?.vmptrs.includes(Math.abs(entry.vmptr)) === true)
      entry.vmptr = isHidden ? -Math.abs(entry.vmptr) : Math.abs(entry.vmptr);
  }
}

/** Mistakes that become possible when a vmcs02 is not written anew at every entry. */
export const SKIPPED_FIELD_MUTANTS: readonly Mutant[] = [
  {
    name: "h4-fields-skipped",
    origin: "H4",
    says: "The fields that seldom change are not written to a recycled vmcs02, as if it had held this L2 before.",
    fixedBy: "KVM 74a497fae754: one vmcs02, and a flag that says whether it is up to date",
    breaks: "mixed-guests: an L2 runs with another's descriptor tables.",
    create: () => sabotage((world) => skipping(world, "pool.recycle", RARE)),
  },
  {
    name: "h15-key-reused",
    origin: "H15",
    says: "L1's VMCLEAR leaves the pool's entry for that address, and a hit writes only what changes often: the next vmcs12 at the address runs with the last one's tables.",
    fixedBy: "kernel 3.5: the VMCLEAR handler drops the entry",
    breaks: "mixed-guests: the L2 that L1 built anew has its predecessor's IDTR.",
    create: keyReused,
  },
  {
    name: "h16-unlinked-writes",
    origin: "H16",
    says: "A hit writes only what changes often, and nothing links the entry to what L1 wrote to its vmcs12 since.",
    fixedBy: "KVM 74a497fae754: dirty_vmcs12, for a single vmcs02",
    breaks: "mixed-guests: L2 runs without L1's last VMWRITE.",
    create: () => sabotage((world) => skipping(world, "pool.hit", WRITTEN)),
  },
];
