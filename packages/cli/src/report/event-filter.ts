/** Which events of a history are wanted. */
import { type EventKind, type HistoryEvent, VmcsFollower } from "@vmcslab/history";

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
  readonly #follower: VmcsFollower | undefined;

  constructor(options: EventFilterOptions) {
    this.#options = options;
    if (options.vmcs !== undefined) this.#follower = new VmcsFollower(options.vmcs);
  }

  takes(event: HistoryEvent): boolean {
    const { kinds, cpu } = this.#options;
    const isOfVmcs = this.#follower === undefined || this.#follower.takes(event);
    return isOfVmcs && (kinds.length === 0 || kinds.includes(event.kind)) && (cpu === undefined || isOfCpu(event, cpu));
  }
}

function isOfCpu({ kind, source, cpu, from, to }: HistoryEvent, wanted: number): boolean {
  if (cpu === wanted || source === `cpu${wanted}`) return true;
  return BETWEEN_CPUS.has(kind) && (from === wanted || to === wanted);
}
