import type { HistoryEvent } from "@vmcslab/history";
import { FIELDS, Field, FieldStore } from "@vmcslab/vmx";
import type { SimHost } from "../host/sim-host.js";

/** What a guest keeps as L1 gave it to it: all of its state but RIP, which every exit of a plan changes. */
const KEPT = FIELDS.flatMap((field, index) =>
  field.type === "guest" && field.vmcs12 && field.encoding !== Field.GUEST_RIP ? [{ name: field.name, index }] : [],
);

/** The guests of a run leave L2 as they entered it, whichever vmcs02 they ran on. No event says what a guest's state is, so this looks at the vmcs12s. */
export class GuestStates {
  /** By vcpu: the vmcs12 as it was entered. */
  readonly #entered = new Map<number, { readonly vmptr: number | undefined; readonly fields: FieldStore }>();

  /** What is wrong, if something is. */
  observe({ kind, vcpu, vmptr, toL1, status }: HistoryEvent, host: SimHost | undefined): string | undefined {
    if (vcpu === undefined) return undefined;
    // No nested.enter tells of an entry that ended indefinitely, nor of what L1 wrote before it.
    if (kind === "op.end" && status !== "ok") this.#entered.delete(vcpu);
    if (kind !== "nested.enter" && kind !== "nested.exit") return undefined;
    const fields = host?.hypervisor?.state.vcpus.get(vcpu)?.vmcs12.fields;
    // The bus may bring an event late; then there is nothing left to look at.
    if (fields === undefined || host?.recorder.isLate !== false) {
      this.#entered.delete(vcpu);
      return undefined;
    }
    if (kind === "nested.enter") {
      const copy = this.#entered.get(vcpu)?.fields ?? new FieldStore();
      copy.copyFrom(fields);
      this.#entered.set(vcpu, { vmptr, fields: copy });
      return undefined;
    }
    const entered = this.#entered.get(vcpu);
    if (toL1 !== true || entered === undefined || entered.vmptr !== vmptr) return undefined;
    const { low, high } = entered.fields;
    const changed = KEPT.find(({ index }) => fields.low[index] !== low[index] || fields.high[index] !== high[index]);
    if (changed === undefined) return undefined;
    return `L2 of vcpu ${vcpu} (vmcs12 0x${(vmptr ?? 0).toString(16)}) left with another ${changed.name} than it entered with`;
  }
}
