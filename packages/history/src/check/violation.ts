import type { HistoryEvent } from "../event.js";
import { compareEvents } from "../order.js";
import type { InvariantNumber, Rule } from "./rules.js";

/** What a checker found. */
export interface Finding {
  /** One sentence: which VMCS (or vcpu, or operation), which CPUs. */
  readonly message: string;
  readonly vmcs?: number;
  /** The CPUs concerned. */
  readonly cpus: readonly number[];
  /** The two events that contradict, earlier first; one alone when it contradicts itself or what should have followed is absent. */
  readonly events: readonly [HistoryEvent, HistoryEvent] | readonly [HistoryEvent];
}

export interface Violation extends Finding {
  readonly invariant: InvariantNumber;
  readonly rule: Rule;
  /** The evidence that the rule needs is whole. Otherwise an event that was lost could explain the finding. */
  readonly certain: boolean;
}

export type Report = (rule: Rule, finding: Finding) => void;

/** The events of a finding, in order, when the other one may be unknown. */
export function contradiction(other: HistoryEvent | undefined, event: HistoryEvent): Finding["events"] {
  if (other === undefined || other === event) return [event];
  return compareEvents(other, event) < 0 ? [other, event] : [event, other];
}

/** "VMCS 7 (0x100000)", or "VMCS 0x100000" when L0 never named it. */
export function nameVmcs(vmcs: number | undefined, region: number | undefined): string {
  const address = region === undefined ? "?" : `0x${region.toString(16)}`;
  return vmcs === undefined ? `VMCS ${address}` : `VMCS ${vmcs} (${address})`;
}
