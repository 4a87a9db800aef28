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
  return {
    kind: eventKindToWire(event.kind),
    lamport: BigInt(event.lamport),
    wallUs: BigInt(event.wallUs),
    monoNs: BigInt(event.monoNs),
    operation: BigInt(event.operation),
    cpu: event.cpu,
    vcpu: event.vcpu,
    vmcs: event.vmcs,
    region: optionalBigInt(event.region),
    vmptr: optionalBigInt(event.vmptr),
    epoch: optionalBigInt(event.epoch),
    from: optionalBigInt(event.from),
    to: event.to,
    launched: event.launched,
    activated: event.activated,
    active: event.active,
    toL1: event.toL1,
    definite: event.definite,
    reason: event.reason,
    error: event.error,
    count: event.count,
    digest: event.digest,
    order: event.order === undefined ? undefined : { vmptrs: event.order.map(BigInt) },
    instruction: event.instruction,
    status: event.status,
    role: event.role === undefined ? undefined : ROLE.toWire(event.role),
    cause: event.cause,
    timing: event.timing === undefined ? undefined : clearTimingToWire(event.timing),
  };
}

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
