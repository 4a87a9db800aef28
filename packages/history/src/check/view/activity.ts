import type { HistoryEvent } from "../../event.js";

/** A VMCS that is active on a CPU, as that CPU's events imply. */
export interface Activity {
  readonly cpu: number;
  readonly region: number;
  /** Identity that the region had when it was loaded; undefined when L0 did not name it. */
  readonly vmcs: number | undefined;
  readonly epoch: number | undefined;
  /** The load that made it active. */
  readonly loaded: HistoryEvent;
  launched: boolean;
  /** The load or entry that says so. */
  launchedBy: HistoryEvent;
  /** The latest event that changed its contents since the load: VMWRITEs, or the guest. */
  changed: HistoryEvent | undefined;
}

/** Whether an activity is of this VMCS, and not of one that had the same page before. */
export function isOf(activity: Activity, vmcs: number | undefined): boolean {
  return activity.vmcs === undefined || vmcs === undefined || activity.vmcs === vmcs;
}
