/** Safeguards of L0 taken away, to show that experiments notice. For tests only. */
import {
  applyFields,
  type Batch,
  type BatchDone,
  type Completion,
  type Hypervisor,
  type InstructionResult,
  NO_FIELDS,
  type OutgoingBatch,
  type SendOptions,
} from "@vmcslab/nested";
import type { Clock, InterconnectClient } from "@vmcslab/runtime";

/**
 * `clearBeforeLoad`: a cross-CPU clear counts as done when it is sent, so that the VMCS is loaded elsewhere while it is still active there. `epoch`: what a life of a CPU
 * that was given up flushed is applied all the same.
 */
export type L0Safeguard = "clearBeforeLoad" | "epoch";
export const L0_SAFEGUARDS: readonly L0Safeguard[] = ["clearBeforeLoad", "epoch"];

/** Long beside a load on another CPU. */
const LATE_MS = 100;

/** A client that says of every cross-CPU clear that it was executed, and sends it later. */
export function clearsLate(client: InterconnectClient, clock: Clock): InterconnectClient {
  return {
    cpu: client.cpu,
    incarnation: client.incarnation,
    get connected() {
      return client.connected;
    },
    send(batch: OutgoingBatch, done: BatchDone, options?: SendOptions): number {
      if (!isCrossCpuClear(batch)) return client.send(batch, done, options);
      clock.after(LATE_MS, () => client.send(batch, () => undefined, options));
      done({ ok: true, completion: { id: 0, cpu: batch.cpu, results: batch.instructions.map(pretended) } });
      return 0;
    },
    unresolved: () => client.unresolved(),
    again: (id, done, options) => client.again(id, done, options),
    close: () => client.close(),
  };
}

/** An interrupt comes first and the return from it last, which no other batch has. */
function isCrossCpuClear({ instructions }: OutgoingBatch): boolean {
  return instructions[0]?.kind === "interrupt" && instructions.at(-1)?.kind === "resumeInterrupted";
}

function pretended({ kind }: OutgoingBatch["instructions"][number]): InstructionResult {
  return kind === "vmclear" ? { status: "succeed", launched: false, fields: NO_FIELDS } : { status: "succeed" };
}

/** Applies what should be refused, and publishes that the VMCS is active nowhere. */
export function applyRefused({ state }: Hypervisor, batch: Batch, { results }: Completion): void {
  batch.instructions.forEach((step, index) => {
    const result = results[index];
    if (step.kind !== "vmclear" || step.epoch === 0 || result?.fields === undefined) return;
    const vmcss = [...state.vcpus.values()].flatMap((vcpu) => [vcpu.vmcs01, ...vcpu.pool.map((entry) => entry.vmcs)]);
    const vmcs = vmcss.find(({ region }) => region === step.region);
    if (vmcs === undefined) return;
    applyFields(result.fields, vmcs.home);
    vmcs.cpu = -1;
    vmcs.launched = false;
    state.emitRecord(vmcs, batch.operation, "refused, and applied");
  });
}
