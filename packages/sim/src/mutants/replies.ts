import { applyFields, type Batch, type Completion, type InstructionResult } from "@vmcslab/nested";
import type { Saboteur } from "../host/sim-host.js";
import type { Mutant } from "./mutant.js";
import { forgetWhere, sabotage, type World } from "./world.js";

/** Stores what a clear flushed and publishes "nowhere", whatever the record says by now. */
function apply(world: World, batch: Batch, region: number, { fields }: InstructionResult): void {
  const vmcs = world.vmcsAt(region);
  if (vmcs === undefined) return;
  if (fields !== undefined) applyFields(fields, vmcs.home);
  forgetWhere(world.state, vmcs);
  world.state.emitRecord(vmcs, batch.operation, "late reply");
}

/** The write-backs that a completion brings. */
function writeBacks({ instructions }: Batch, { results }: Completion) {
  return instructions.flatMap((step, i) => {
    const result = results[i];
    return step.kind === "vmclear" && step.epoch !== 0 && result?.status === "succeed"
      ? [{ region: step.region, epoch: step.epoch, result }]
      : [];
  });
}

function appliedLate(): Saboteur {
  return sabotage((world) => ({
    completed(batch, completion) {
      for (const { region, epoch, result } of writeBacks(batch, completion)) {
        // The core sees to those that the record still waits for.
        if (world.vmcsAt(region)?.epoch !== epoch) apply(world, batch, region, result);
      }
    },
  }));
}

function oldLifeApplied(): Saboteur {
  return sabotage((world) => ({
    refused(batch, completion) {
      for (const { region, result } of writeBacks(batch, completion)) apply(world, batch, region, result);
    },
    fact: (fact) => (fact.kind === "writeback.refused" ? undefined : fact),
  }));
}

/** Mistakes in what counts as an answer. */
export const REPLY_MUTANTS: readonly Mutant[] = [
  {
    name: "h9-late-reply-applied",
    origin: "H9",
    says: "The completion of a clear is applied whenever it arrives, though the record has moved on.",
    fixedBy: "KVM d462b8192368: the callback returns when the record no longer names its CPU",
    breaks: "record-cpu, active-twice or stale-load: a VMCS that is active again is recorded as active nowhere.",
    create: appliedLate,
  },
  {
    name: "epoch-unchecked",
    origin: "protocol",
    says: "What a life of a CPU that was given up flushed is applied all the same.",
    fixedBy: "epochs and sessions (docs/protocol.md)",
    breaks: "record-cpu, active-twice or stale-load: the VMCS was rebuilt and loaded elsewhere meanwhile.",
    create: oldLifeApplied,
  },
];
