/** VMXON and VMXOFF: SDM 30.3 and 23.7. */
import { ExitReason } from "../exit-reasons.js";
import { Hazard } from "../hazards.js";
import { type Instruction, Mode } from "../instruction.js";
import { FEATURE_CONTROL_READY, type ProcessorState, regionOf, VmxMode } from "../processor-state.js";
import { fail, failInvalid, generalProtection, invalidOpcode, succeed, VmError } from "../results.js";
import { exitForInstruction } from "../vm-exit.js";
import { CR4_VMXE, hasFixedBits } from "./control-registers.js";
import { permitted } from "./permission.js";

export function vmxon(cpu: ProcessorState, instruction: Instruction): void {
  if (instruction.mode === Mode.compatibility) invalidOpcode(cpu);
  else if (cpu.mode === VmxMode.off) enterVmxOperation(cpu, instruction);
  else if (cpu.mode === VmxMode.nonRoot) exitForInstruction(cpu, instruction, ExitReason.vmxon);
  else if (instruction.mode === Mode.user64) generalProtection(cpu);
  else fail(cpu, VmError.vmxonInRoot);
}

function enterVmxOperation(cpu: ProcessorState, instruction: Instruction): void {
  if ((cpu.cr4 & CR4_VMXE) === 0) {
    invalidOpcode(cpu);
    return;
  }
  if (instruction.mode === Mode.user64 || !hasFixedBits(cpu.model, cpu.cr0, cpu.cr4) || !isEnabledByFirmware(cpu)) {
    generalProtection(cpu);
    return;
  }
  const { low, high } = instruction;
  if (cpu.isBadRegionAddress(low, high)) {
    failInvalid(cpu);
    return;
  }
  const region = regionOf(low, high);
  // The whole dword: bit 31 must be 0 in a VMXON region.
  if (cpu.memory.read32(region) !== cpu.model.revision) {
    failInvalid(cpu);
    return;
  }
  takeVmxonRegion(cpu, region);
  succeed(cpu);
}

function takeVmxonRegion(cpu: ProcessorState, region: number): void {
  const page = cpu.memory.pageFor(region);
  if (page !== undefined) {
    if (page.vmxonOn > 0) cpu.out.hazard = Hazard.vmxonRegionShared;
    else if (page.activeOn > 0) cpu.out.hazard = Hazard.activeVmcsUsedAsVmxonRegion;
    page.vmxonOn++;
  }
  cpu.vmxonPage = page;
  cpu.vmxonPointer = region;
  cpu.current = undefined;
  cpu.mode = VmxMode.root;
}

/** IA32_FEATURE_CONTROL: locked, and VMXON allowed outside SMX operation. */
function isEnabledByFirmware(cpu: ProcessorState): boolean {
  return (cpu.featureControl & FEATURE_CONTROL_READY) === FEATURE_CONTROL_READY;
}

export function vmxoff(cpu: ProcessorState, instruction: Instruction): void {
  if (!permitted(cpu, instruction, ExitReason.vmxoff)) return;
  if (cpu.leaveVmxOperation(cpu.atVmxoff) > 0) cpu.out.hazard = Hazard.activeAtVmxoff;
  succeed(cpu);
  if (cpu.initPending) cpu.restart();
}
