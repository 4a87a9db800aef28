/** What the tables of a run hold, worked out from its events in one pass. Give them in their order. */
import { CLEAR_PHASES, ClearFollower, type HistoryEvent } from "@vmcslab/history";
import type { Cell } from "./table-writer.js";

/** Where rows go: one cell per column, in the order of the table's columns. */
export interface RowSink {
  readonly events: (row: readonly Cell[]) => void;
  readonly clears: (row: readonly Cell[]) => void;
  readonly operations: (row: readonly Cell[]) => void;
  readonly faults: (row: readonly Cell[]) => void;
}

/** Holds what is open (operations, clears, faults) and whose each VMCS is, and nothing that has ended. */
export class RowMaker {
  readonly #sink: RowSink;
  readonly #follower = new ClearFollower();
  readonly #vcpuOfVmcs = new Map<number, number>();
  readonly #sentWallUs = new Map<string, number>();
  readonly #operations = new Map<string, HistoryEvent>();
  readonly #faults = new Map<string, HistoryEvent[]>();

  constructor(sink: RowSink) {
    this.#sink = sink;
  }

  observe(event: HistoryEvent): void {
    this.#sink.events(eventRow(event));
    switch (event.kind) {
      case "vmcs.allocated":
      case "vmcs.restored":
        if (event.vmcs !== undefined && event.vcpu !== undefined) this.#vcpuOfVmcs.set(event.vmcs, event.vcpu);
        return;
      case "ipi.sent":
      case "ipi.acked":
        this.#clear(event);
        return;
      case "op.begin":
        this.#operations.set(operationKey(event), event);
        return;
      case "op.end": {
        const begin = this.#operations.get(operationKey(event));
        this.#operations.delete(operationKey(event));
        if (begin !== undefined) this.#sink.operations(operationRow(begin, event));
        return;
      }
      case "fault.injected":
        this.#faults.set(faultKey(event), [...(this.#faults.get(faultKey(event)) ?? []), event]);
        return;
      case "fault.healed": {
        const begin = this.#faults.get(faultKey(event))?.shift();
        if (begin !== undefined) this.#sink.faults(faultRow(begin, event));
        return;
      }
    }
  }

  /** What never ended is told of too. */
  finish(): void {
    for (const begin of this.#operations.values()) this.#sink.operations(operationRow(begin, undefined));
    for (const begin of [...this.#faults.values()].flat()) this.#sink.faults(faultRow(begin, undefined));
  }

  #clear(event: HistoryEvent): void {
    const { incarnation, operation, vmcs, region, epoch, wallUs } = event;
    const key = `${incarnation}/${vmcs}/${epoch}`;
    const clear = this.#follower.observe(event);
    if (event.kind === "ipi.sent") {
      if (!this.#sentWallUs.has(key)) this.#sentWallUs.set(key, wallUs);
      return;
    }
    const sentWallUs = this.#sentWallUs.get(key);
    this.#sentWallUs.delete(key);
    if (clear === undefined) return;
    const { from, to, decidedNs, appliedNs, phasesNs, oneClock } = clear;
    const vcpu = vmcs === undefined ? undefined : this.#vcpuOfVmcs.get(vmcs);
    this.#sink.clears([
      ...[incarnation, operation, from, to, vcpu, vmcs, region, epoch, sentWallUs, wallUs],
      ...[decidedNs, appliedNs, appliedNs - decidedNs],
      ...CLEAR_PHASES.map((phase) => phasesNs?.[phase]),
      oneClock,
    ]);
  }
}

function eventRow(event: HistoryEvent): Cell[] {
  const { kind, from, timing } = event;
  const isRecycle = kind === "pool.recycle";
  // Written out, and in the order of the columns: this is what loading a history spends its time on.
  return [
    event.host,
    event.source,
    event.incarnation,
    event.seq,
    event.lamport,
    event.wallUs,
    event.monoNs,
    kind,
    event.operation,
    event.cpu,
    event.vcpu,
    event.vmcs,
    event.region,
    event.vmptr,
    event.epoch,
    isRecycle ? undefined : from,
    event.to,
    isRecycle ? from : undefined,
    event.launched,
    event.activated,
    event.active,
    event.toL1,
    event.definite,
    event.reason,
    event.error,
    event.count,
    event.digest,
    event.order,
    event.instruction,
    event.status,
    event.role,
    event.cause,
    timing?.handedNs,
    timing?.arrivedNs,
    timing?.receivedNs,
    timing?.waitedNs,
    timing?.executedNs,
    timing?.flushedNs,
    timing?.oneClock,
  ];
}

function operationKey({ incarnation, operation }: HistoryEvent): string {
  return `${incarnation}/${operation}`;
}

function operationRow(begin: HistoryEvent, end: HistoryEvent | undefined): Cell[] {
  const { incarnation, operation, instruction, vcpu, wallUs, monoNs } = begin;
  return [
    ...[incarnation, operation, instruction, vcpu, wallUs, end?.wallUs, monoNs, end?.monoNs],
    end === undefined ? undefined : end.monoNs - monoNs,
    ...[end?.status, end?.definite],
  ];
}

function faultKey({ cause, cpu }: HistoryEvent): string {
  return `${cpu}/${cause}`;
}

function faultRow(begin: HistoryEvent, end: HistoryEvent | undefined): Cell[] {
  const { cause, instruction, cpu, wallUs, monoNs } = begin;
  return [cause, instruction, cpu, wallUs, end?.wallUs, monoNs, end?.monoNs, end?.count];
}
