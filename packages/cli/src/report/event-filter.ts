/** Which events of a history are wanted. */
import type { EventKind, HistoryEvent } from "@vmcslab/history";

export interface EventFilterOptions {
  /** Empty: every kind. */
  readonly kinds: readonly EventKind[];
  readonly cpu?: number;
  /** Identity of a VMCS. */
  readonly vmcs?: number;
}

/** Kinds whose `from` and `to` are CPUs. */
const BETWEEN_CPUS: ReadonlySet<EventKind> = new Set(["ipi.sent", "ipi.acked", "vcpu.placed"]);

/** Is shown the whole history, in order: which VMCS an address means changes in its course. */
export class EventFilter {
  readonly #options: EventFilterOptions;
  /** Where the wanted VMCS lies, while it does. CPUs know addresses only. */
  #region: number | undefined;

  constructor(options: EventFilterOptions) {
    this.#options = options;
  }

  takes(event: HistoryEvent): boolean {
    const { kinds, cpu, vmcs } = this.#options;
    const isOfVmcs = vmcs === undefined || this.#isOfVmcs(event, vmcs);
    return isOfVmcs && (kinds.length === 0 || kinds.includes(event.kind)) && (cpu === undefined || isOfCpu(event, cpu));
  }

  #isOfVmcs(event: HistoryEvent, vmcs: number): boolean {
    if (event.vmcs !== undefined) {
      if (event.vmcs === vmcs && event.kind === "vmcs.allocated") this.#region = event.region;
      if (event.vmcs === vmcs && event.kind === "vmcs.freed") this.#region = undefined;
      return event.vmcs === vmcs;
    }
    return event.region !== undefined && event.region === this.#region;
  }
}

function isOfCpu({ kind, source, cpu, from, to }: HistoryEvent, wanted: number): boolean {
  if (cpu === wanted || source === `cpu${wanted}`) return true;
  return BETWEEN_CPUS.has(kind) && (from === wanted || to === wanted);
}
