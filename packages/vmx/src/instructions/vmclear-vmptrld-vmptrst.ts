/** VMCLEAR, VMPTRLD and VMPTRST: SDM 30.3. Which VMCS is active here, and which is current. */
import { ExitReason } from "../exit-reasons.js";
import { Hazard } from "../hazards.js";
import type { Instruction } from "../instruction.js";
import { type Page, writeLaunchWord } from "../memory.js";
import { type ProcessorState, regionOf } from "../processor-state.js";
import { fail, succeed, succeedWith, VmError } from "../results.js";
import type { CachedVmcs } from "../vmcs-cache.js";
import { permitted } from "./permission.js";

const ALL_ONES = 0xffffffff;
const REVISION_MASK = 0x7fffffff;

/** The revision identifier is not looked at: VMCLEAR is how a region becomes a VMCS. */
export function vmclear(cpu: ProcessorState, instruction: Instruction): void {
  if (!permitted(cpu, instruction, ExitReason.vmclear)) return;
  const { low, high } = instruction;
  if (cpu.isBadRegionAddress(low, high)) {
    fail(cpu, VmError.vmclearBadAddress);
    return;
  }
  const region = regionOf(low, high);
  if (region === cpu.vmxonPointer) {
    fail(cpu, VmError.vmclearVmxonPointer);
    return;
  }
  const cached = cpu.cache.find(region, low);
  if (cached?.active === true) clearActive(cpu, cached);
  else clearInactive(cpu, cached?.page ?? cpu.memory.pageFor(region));
  succeed(cpu);
}

function clearActive(cpu: ProcessorState, cached: CachedVmcs): void {
  cached.flush();
  if (cpu.current === cached) cpu.current = undefined;
  if (cached.page.activeOn > 0) cpu.out.hazard = Hazard.clearedWhileActiveElsewhere;
}

/** Only the launch state: data that another processor may hold is not here to be written. */
function clearInactive(cpu: ProcessorState, page: Page | undefined): void {
  if (page === undefined) return;
  if (page.activeOn > 0) cpu.out.hazard = Hazard.clearedWhileActiveElsewhere;
  else if (page.vmxonOn > 0) cpu.out.hazard = Hazard.vmxonRegionUsedAsVmcs;
  writeLaunchWord(page, false);
}

export function vmptrld(cpu: ProcessorState, instruction: Instruction): void {
  if (!permitted(cpu, instruction, ExitReason.vmptrld)) return;
  const { low, high } = instruction;
  if (cpu.isBadRegionAddress(low, high)) {
    fail(cpu, VmError.vmptrldBadAddress);
    return;
  }
  const region = regionOf(low, high);
  if (region === cpu.vmxonPointer) {
    fail(cpu, VmError.vmptrldVmxonPointer);
    return;
  }
  const cached = cpu.cache.find(region, low);
  const page = cached === undefined ? cpu.memory.pageAt(region) : cached.page;
  if (page === undefined || !isRevision(cpu, page.words[0] ?? 0)) {
    fail(cpu, VmError.vmptrldRevision);
    return;
  }
  cpu.current = activate(cpu, cached ?? cpu.cache.add(region, page));
  succeed(cpu);
}

/** Bits 30:0 are the model's; bit 31, the shadow-VMCS indicator, needs VMCS shadowing. */
function isRevision(cpu: ProcessorState, word: number): boolean {
  return (word & REVISION_MASK) === cpu.model.revision && (word >>> 31 === 0 || cpu.model.vmcsShadowing);
}

/**
 * Makes a VMCS active on this processor. A VMCS that already is keeps what the processor holds: nothing is read again.
 */
export function activate(cpu: ProcessorState, vmcs: CachedVmcs): CachedVmcs {
  if (vmcs.active) return vmcs;
  if (vmcs.page.activeOn > 0) cpu.out.hazard = Hazard.activeOnTwoProcessors;
  else if (vmcs.page.vmxonOn > 0) cpu.out.hazard = Hazard.vmxonRegionUsedAsVmcs;
  vmcs.activate(cpu.memory);
  return vmcs;
}

export function vmptrst(cpu: ProcessorState, instruction: Instruction): void {
  if (!permitted(cpu, instruction, ExitReason.vmptrst)) return;
  const current = cpu.current;
  if (current === undefined) succeedWith(cpu, ALL_ONES, ALL_ONES);
  else succeedWith(cpu, current.regionLow, current.regionHigh);
}
