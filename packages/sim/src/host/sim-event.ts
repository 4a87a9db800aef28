import type { ClearTiming, EventFact, EventKind, HistoryEvent } from "@vmcslab/history";

/** An event whose members always stand in the same places, so that whoever reads millions of them finds them fast. */
export class SimEvent implements HistoryEvent {
  readonly kind: EventKind;
  readonly operation: number;
  readonly cpu: number | undefined;
  readonly vcpu: number | undefined;
  readonly vmcs: number | undefined;
  readonly region: number | undefined;
  readonly vmptr: number | undefined;
  readonly epoch: number | undefined;
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly launched: boolean | undefined;
  readonly activated: boolean | undefined;
  readonly active: boolean | undefined;
  readonly toL1: boolean | undefined;
  readonly definite: boolean | undefined;
  readonly reason: number | undefined;
  readonly error: number | undefined;
  readonly count: number | undefined;
  readonly digest: number | undefined;
  readonly order: readonly number[] | undefined;
  readonly instruction: string | undefined;
  readonly status: string | undefined;
  readonly role: "vmcs01" | "vmcs02" | undefined;
  readonly cause: string | undefined;
  readonly timing: ClearTiming | undefined;

  constructor(
    fact: EventFact,
    readonly host: string,
    readonly source: string,
    readonly incarnation: number,
    readonly seq: number,
    readonly lamport: number,
    readonly wallUs: number,
    readonly monoNs: number,
  ) {
    this.kind = fact.kind;
    this.operation = fact.operation;
    this.cpu = fact.cpu;
    this.vcpu = fact.vcpu;
    this.vmcs = fact.vmcs;
    this.region = fact.region;
    this.vmptr = fact.vmptr;
    this.epoch = fact.epoch;
    this.from = fact.from;
    this.to = fact.to;
    this.launched = fact.launched;
    this.activated = fact.activated;
    this.active = fact.active;
    this.toL1 = fact.toL1;
    this.definite = fact.definite;
    this.reason = fact.reason;
    this.error = fact.error;
    this.count = fact.count;
    this.digest = fact.digest;
    this.order = fact.order;
    this.instruction = fact.instruction;
    this.status = fact.status;
    this.role = fact.role;
    this.cause = fact.cause;
    this.timing = fact.timing;
  }
}
