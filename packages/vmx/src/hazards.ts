/**
 * What software must not do with VMCS and VMXON regions. The manual leaves the outcome undefined; this processor does
 * something legal and says which rule was broken.
 */
import type { Memory } from "./memory.js";

export const Hazard = {
  none: 0,
  activeOnTwoProcessors: 1,
  clearedWhileActiveElsewhere: 2,
  activeVmcsWritten: 3,
  launchStateUninitialised: 4,
  activeAtVmxoff: 5,
  vmxonRegionShared: 6,
  vmxonRegionUsedAsVmcs: 7,
  vmxonRegionWritten: 8,
  activeVmcsUsedAsVmxonRegion: 9,
} as const;

export type HazardName = keyof typeof Hazard;

export interface HazardRule {
  readonly name: HazardName;
  readonly rule: string;
  readonly section: string;
}

/** By number. */
export const HAZARD_RULES: readonly HazardRule[] = [
  { name: "none", rule: "no rule broken", section: "" },
  {
    name: "activeOnTwoProcessors",
    rule: "a VMCS must not be active on more than one logical processor",
    section: "SDM 24.11.1",
  },
  {
    name: "clearedWhileActiveElsewhere",
    rule: "VMCLEAR must execute on the logical processor where the VMCS is active",
    section: "SDM 24.11.1",
  },
  {
    name: "activeVmcsWritten",
    rule: "memory of an active VMCS must not be accessed with ordinary stores",
    section: "SDM 24.11.1",
  },
  {
    name: "launchStateUninitialised",
    rule: "VMCLEAR must initialise a VMCS before its first VM entry",
    section: "SDM 24.11.3",
  },
  { name: "activeAtVmxoff", rule: "every active VMCS must be VMCLEARed before VMXOFF", section: "SDM 24.11.1" },
  { name: "vmxonRegionShared", rule: "each logical processor needs a VMXON region of its own", section: "SDM 24.11.5" },
  { name: "vmxonRegionUsedAsVmcs", rule: "a VMXON region in use must not be used as a VMCS", section: "SDM 24.11.5" },
  { name: "vmxonRegionWritten", rule: "software must not access the VMXON region in use", section: "SDM 24.11.5" },
  {
    name: "activeVmcsUsedAsVmxonRegion",
    rule: "an active VMCS must not be used as VMXON region",
    section: "SDM 24.11.5",
  },
];

/** The rule that an ordinary store to `address` breaks, from Hazard. */
export function storeHazard(memory: Memory, address: number): number {
  const page = memory.pageAt(address);
  if (page === undefined) return Hazard.none;
  if (page.activeOn > 0) return Hazard.activeVmcsWritten;
  return page.vmxonOn > 0 ? Hazard.vmxonRegionWritten : Hazard.none;
}
