import type { HistoryEvent } from "@vmcslab/history";
import type { EventBatch } from "../bus/port.js";
import {
  type Event as WireEvent,
  type EventBatch as WireEventBatch,
  VmcsRole as WireVmcsRole,
} from "../generated/vmcslab/v1/events.js";
import { LIMITS, shown } from "../limits.js";
import { eventKindFromWire, eventKindToWire } from "./event-kind.js";
import { InvalidMessage } from "./invalid-message.js";
import { NameCodec } from "./names.js";
import { defined, toNumber } from "./numbers.js";
import { between, checkCount } from "./ranges.js";
import { clearTimingFromWire, clearTimingToWire } from "./timing.js";

const ROLE = new NameCodec<NonNullable<HistoryEvent["role"]>, WireVmcsRole>("VMCS role", {
  vmcs01: WireVmcsRole.VMCS01,
  vmcs02: WireVmcsRole.VMCS02,
});

export function eventBatchToWire(batch: EventBatch): WireEventBatch {
  return {
    host: batch.host,
    source: batch.source,
    incarnation: BigInt(batch.incarnation),
    firstSequence: BigInt(batch.firstSeq),
    events: batch.events.map(eventToWire),
    ends: batch.ends === true,
  };
}

/** Throws {@link InvalidMessage} for a kind or role that this version does not know. */
export function eventBatchFromWire(message: WireEventBatch): EventBatch {
  const { host, source } = message;
  const incarnation = toNumber(message.incarnation, "incarnation");
  const firstSeq = toNumber(message.firstSequence, "first sequence number");
  const events = message.events.map((event, index) => ({
    ...eventFromWire(event),
    host,
    source,
    incarnation,
    seq: firstSeq + index,
  }));
  return { host, source, incarnation, firstSeq, events, ...(message.ends ? { ends: true } : {}) };
}

/**
 * Throws {@link InvalidMessage} for a batch that {@link eventBatchFromWire} would refuse, or that holds more than a source sends: whoever stores it as it is must
 * know that it can be read.
 */
export function checkEventBatch({ incarnation, firstSequence, events }: WireEventBatch): void {
  toNumber(incarnation, "incarnation");
  if (firstSequence === 0n) throw new InvalidMessage("first sequence number 0: sequences count from 1");
  checkCount(events.length, LIMITS.events, "events");
  toNumber(firstSequence + BigInt(events.length), "first sequence number");
  for (const event of events) checkEvent(event);
}

function checkEvent(event: WireEvent): void {
  const { cpu, to, region, vmptr, epoch, from, order, role, instruction, status, cause, timing } = event;
  eventKindFromWire(event.kind);
  toNumber(event.lamport, "lamport");
  toNumber(event.wallUs, "wall_us");
  toNumber(event.operation, "operation");
  if (cpu !== undefined) between(cpu, -1, LIMITS.cpu.max, "cpu");
  if (to !== undefined) between(to, -1, LIMITS.cpu.max, "to");
  optionalNumber(region, "region");
  optionalNumber(vmptr, "vmptr");
  optionalNumber(epoch, "epoch");
  optionalNumber(from, "from");
  if (role !== undefined) ROLE.fromWire(role);
  if (timing !== undefined) clearTimingFromWire(timing);
  if (order !== undefined) {
    checkCount(order.vmptrs.length, LIMITS.poolOrder, "addresses in order");
    for (const vmptr of order.vmptrs) toNumber(vmptr, "order");
  }
  checkText(instruction, "instruction");
  checkText(status, "status");
  checkText(cause, "cause");
}

function checkText(text: string | undefined, what: string): void {
  const { max } = LIMITS.eventCharacters;
  if (text !== undefined && text.length > max)
    throw new InvalidMessage(`${what} "${shown(text)}" has ${text.length} characters: at most ${max}`);
}

function eventToWire(event: HistoryEvent): WireEvent {
  const wire: WireEvent = {
    kind: eventKindToWire(event.kind),
    lamport: BigInt(event.lamport),
    wallUs: BigInt(event.wallUs),
    monoNs: BigInt(event.monoNs),
    operation: BigInt(event.operation),
    cpu: undefined,
    vcpu: undefined,
    vmcs: undefined,
    region: undefined,
    vmptr: undefined,
    epoch: undefined,
    from: undefined,
    to: undefined,
    launched: undefined,
    activated: undefined,
    active: undefined,
    toL1: undefined,
    definite: undefined,
    reason: undefined,
    error: undefined,
    count: undefined,
    digest: undefined,
    order: undefined,
    instruction: undefined,
    status: undefined,
    role: undefined,
    cause: undefined,
    timing: undefined,
  };
  // Only what is there: events have as many shapes as kinds, and to find that something is not there takes V8 longer than all else here.
  for (const key in event) SETTERS.get(key)?.(wire, event);
  return wire;
}

type Setter = (wire: WireEvent, event: HistoryEvent) => void;
type Envelope = "kind" | "lamport" | "wallUs" | "monoNs" | "operation" | "host" | "source" | "incarnation" | "seq";

/** What an event may have: a field without a place on the wire does not compile. */
const OPTIONAL: Readonly<Record<Exclude<keyof HistoryEvent, Envelope>, Setter>> = {
  cpu(wire, event) {
    wire.cpu = event.cpu;
  },
  vcpu(wire, event) {
    wire.vcpu = event.vcpu;
  },
  vmcs(wire, event) {
    wire.vmcs = event.vmcs;
  },
  to(wire, event) {
    wire.to = event.to;
  },
  launched(wire, event) {
    wire.launched = event.launched;
  },
  activated(wire, event) {
    wire.activated = event.activated;
  },
  active(wire, event) {
    wire.active = event.active;
  },
  toL1(wire, event) {
    wire.toL1 = event.toL1;
  },
  definite(wire, event) {
    wire.definite = event.definite;
  },
  reason(wire, event) {
    wire.reason = event.reason;
  },
  error(wire, event) {
    wire.error = event.error;
  },
  count(wire, event) {
    wire.count = event.count;
  },
  digest(wire, event) {
    wire.digest = event.digest;
  },
  instruction(wire, event) {
    wire.instruction = event.instruction;
  },
  status(wire, event) {
    wire.status = event.status;
  },
  cause(wire, event) {
    wire.cause = event.cause;
  },
  region(wire, event) {
    wire.region = optionalBigInt(event.region);
  },
  vmptr(wire, event) {
    wire.vmptr = optionalBigInt(event.vmptr);
  },
  epoch(wire, event) {
    wire.epoch = optionalBigInt(event.epoch);
  },
  from(wire, event) {
    wire.from = optionalBigInt(event.from);
  },
  order(wire, event) {
    wire.order = event.order === undefined ? undefined : { vmptrs: event.order.map(BigInt) };
  },
  role(wire, event) {
    wire.role = event.role === undefined ? undefined : ROLE.toWire(event.role);
  },
  timing(wire, event) {
    wire.timing = event.timing === undefined ? undefined : clearTimingToWire(event.timing);
  },
};
const SETTERS: ReadonlyMap<string, Setter> = new Map(Object.entries(OPTIONAL));

type Stamped = Omit<HistoryEvent, "host" | "source" | "incarnation" | "seq">;

function eventFromWire(message: WireEvent): Stamped {
  const { cpu, vcpu, vmcs, to, launched, activated, active, toL1, definite } = message;
  const { reason, error, count, digest, instruction, status, cause } = message;
  return {
    kind: eventKindFromWire(message.kind),
    lamport: toNumber(message.lamport, "lamport"),
    wallUs: toNumber(message.wallUs, "wall_us"),
    monoNs: Number(message.monoNs),
    operation: toNumber(message.operation, "operation"),
    ...defined({ cpu, vcpu, vmcs, to, launched, activated, active, toL1, definite }),
    ...defined({ reason, error, count, digest, instruction, status, cause }),
    ...defined({
      region: optionalNumber(message.region, "region"),
      vmptr: optionalNumber(message.vmptr, "vmptr"),
      epoch: optionalNumber(message.epoch, "epoch"),
      from: optionalNumber(message.from, "from"),
      order: message.order?.vmptrs.map((vmptr) => toNumber(vmptr, "order")),
      role: message.role === undefined ? undefined : ROLE.fromWire(message.role),
      timing: message.timing === undefined ? undefined : clearTimingFromWire(message.timing),
    }),
  };
}

function optionalBigInt(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(value);
}

function optionalNumber(value: bigint | undefined, what: string): number | undefined {
  return value === undefined ? undefined : toNumber(value, what);
}
