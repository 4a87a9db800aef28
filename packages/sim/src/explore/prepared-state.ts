import type { HistoryEvent } from "@vmcslab/history";
import { prepareVmcs02 } from "@vmcslab/nested";
import { type CpuModel, fieldIndex } from "@vmcslab/vmx";
import type { SimHost } from "../host/sim-host.js";

/**
 * Whether an L2 is entered with what a full preparation would have written, field by field, on the processor at that instant. What a design leaves out, because the vmcs02 holds it already, must not show.
 */
export class PreparedStates {
  readonly #model: CpuModel;
  /** vcpus whose L1 executes something, by operation. */
  readonly #runs = new Map<number, number>();

  constructor(model: CpuModel) {
    this.#model = model;
  }

  /** What is different, in words. */
  observe(event: HistoryEvent, host: SimHost | undefined): string | undefined {
    const { kind, operation, vcpu, instruction } = event;
    if (kind === "op.begin" && instruction === "runL1" && vcpu !== undefined) this.#runs.set(operation, vcpu);
    else if (kind === "op.end") this.#runs.delete(operation);
    else if (kind === "host.restored") this.#runs.clear();
    else if (kind === "vm.entry") return this.#entered(event, host);
    return undefined;
  }

  #entered({ operation, cpu = -1, region = -1 }: HistoryEvent, host: SimHost | undefined): string | undefined {
    // The bus may bring an event late; then there is nothing left to look at.
    if (host?.recorder.isLate !== false) return undefined;
    const id = this.#runs.get(operation);
    const vcpu = id === undefined ? undefined : host.hypervisor?.state.vcpus.get(id);
    // While L1 is emulated, L2 is entered because of a VMLAUNCH or VMRESUME of L1's.
    if (vcpu?.guestMode !== true || vcpu.loaded.region !== region || vcpu.loaded.role !== "vmcs02") return undefined;
    const held = host.cpus[cpu]?.processor.fieldsOf(region);
    if (held === undefined) return undefined;
    const { encodings, low, high } = prepareVmcs02(vcpu.vmcs12.fields, this.#model, vcpu.id);
    for (let i = 0; i < encodings.length; i++) {
      const encoding = encodings[i] ?? 0;
      const index = fieldIndex(encoding);
      if (held.low[index] !== low[i] || held.high[index] !== high[i])
        return `vcpu ${id} enters L2 of 0x${vcpu.currentVmptr.toString(16)} with VMCS ${vcpu.loaded.id}, whose field 0x${encoding.toString(16)} is not as prepared`;
    }
    return undefined;
  }
}
