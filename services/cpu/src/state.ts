import type { cpuWire } from "@vmcslab/runtime";
import type { ActiveVmcs } from "@vmcslab/vmx";
import type { Board } from "./board.js";

/** What the processor holds. */
export function stateOf({ cpu, incarnation, model, processor }: Board): cpuWire.GetStateResponse {
  const { currentVmcs, vmxonPointer } = processor;
  const active = processor.activeVmcss().sort((a, b) => a.region - b.region);
  return {
    cpu,
    incarnation: BigInt(incarnation),
    model: model.name,
    vmxOperation: processor.inVmxOperation,
    nonRoot: processor.nonRoot,
    vmxonPointer: vmxonPointer < 0 ? undefined : BigInt(vmxonPointer),
    current: currentVmcs < 0 ? undefined : BigInt(currentVmcs),
    active: active.map(({ region, launched }) => ({ address: BigInt(region), launched })),
    text: printed(currentVmcs, active),
    revision: model.revision,
  };
}

/** As kvm-unit-tests writes it: current:0x2000 active:[0x2000 launched, 0x3000 clear]. */
function printed(current: number, active: readonly ActiveVmcs[]): string {
  const entries = active.map(({ region, launched }) => `${hex(region)} ${launched ? "launched" : "clear"}`);
  return `current:${current < 0 ? "none" : hex(current)} active:[${entries.join(", ")}]`;
}

function hex(address: number): string {
  return `0x${address.toString(16)}`;
}
