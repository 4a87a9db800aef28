import { type Fault, faultName } from "@vmcslab/faults";
import type { EventFact, HistoryEvent } from "@vmcslab/history";
import { L0, type NodeId } from "../host/messages.js";

/** An event in the column of its node: a word there, and what it means. */
export interface NodeEvent {
  readonly node: NodeId;
  readonly word: string;
  readonly text: string;
}

/** What happens to nodes and to what they own. Undefined: drawn only where it contradicts another. */
export function nodeEvent(
  event: HistoryEvent,
  vmcs: string | undefined,
  faults: readonly Fault[],
): NodeEvent | undefined {
  const { cpu = L0, count = 0 } = event;
  const held = count === 0 ? "" : `, with ${count} ${count === 1 ? "VMCS" : "VMCSs"} active there`;
  switch (event.kind) {
    case "cpu.registered":
      return { node: cpu, word: "up", text: `L0 takes cpu${cpu} into use` };
    case "cpu.offline":
      return { node: cpu, word: "offline", text: `cpu${cpu} is offline` };
    case "cpu.lost":
      return { node: cpu, word: "lost", text: `L0 has lost cpu${cpu}${held}` };
    case "cpu.fenced":
      return { node: cpu, word: "fenced", text: `fence deadline: the lease of cpu${cpu} has certainly ended` };
    case "lease.expired":
      return {
        node: cpu,
        word: "expired",
        text: `cpu${cpu}: its lease ended, it forgets its VMCSs${count === 0 ? "" : ` (${count})`}`,
      };
    case "host.crashed":
      return { node: L0, word: "crash", text: "L0: every CPU was told to clear all it holds" };
    case "vmcs.lost":
      return { node: L0, word: "●", text: `L0: ${vmcs} was on cpu${cpu}: it will be rebuilt` };
    case "vcpu.killed":
      return { node: L0, word: "●", text: `L0: vcpu${event.vcpu} ends, because cpu${cpu} was lost` };
    case "writeback.refused":
      return { node: L0, word: "●", text: `L0 refuses what cpu${cpu} flushed of ${vmcs} (e${event.epoch})` };
    case "fault.injected":
    case "fault.healed":
      return faultEvent(event, faults);
    default:
      return undefined;
  }
}

const BEGINS: Readonly<Record<string, string>> = {
  stall: "stalls",
  partition: "cut off",
  crash: "crash",
  crashL0: "crash",
  stopBus: "bus off",
  clockSkew: "skew",
  refuseAllocation: "no mem",
  offline: "offline",
};

const ENDS: Readonly<Record<string, string>> = {
  stall: "goes on",
  partition: "joined",
  crash: "restart",
  crashL0: "restart",
};

function faultEvent(
  { kind, instruction = "", cause, cpu }: HistoryEvent,
  faults: readonly Fault[],
): NodeEvent | undefined {
  const fault = faults.find((candidate, index) => faultName(candidate, index) === cause);
  const word = (kind === "fault.injected" ? BEGINS : ENDS)[instruction];
  // What is done to messages shows at the messages.
  if (word === undefined || fault === undefined || fault.match !== undefined) return undefined;
  const { action } = fault;
  const waits = action.kind === "crash" && action.when !== "now";
  if (waits && kind === "fault.injected") {
    const moment = action.when === "beforeFlush" ? "before" : "after";
    return {
      node: cpu ?? L0,
      word: "armed",
      text: `fault ${cause}: cpu${cpu} will die ${moment} its next write-back`,
    };
  }
  const clock = action.kind === "clockSkew" && action.clock !== "l0" ? action.clock : undefined;
  return { node: cpu ?? clock ?? L0, word, text: `fault ${cause}${kind === "fault.injected" ? "" : " is over"}` };
}

/** Where an event happened: at the CPU that stated it, or at L0. */
export function nodeOf({ source }: HistoryEvent): NodeId {
  const [, digits] = /^cpu(\d+)$/.exec(source) ?? [];
  return digits === undefined ? L0 : Number(digits);
}

const FIELDS: readonly (keyof EventFact)[] = [
  ...(["cpu", "vcpu", "from", "to", "instruction", "status", "error", "reason", "count", "cause"] as const),
];

/** Any event in a few words, as the one that contradicts. */
export function describeEvent(event: HistoryEvent, vmcs: string | undefined, withContents: boolean): string {
  const name = vmcs ?? (event.region === undefined ? undefined : `0x${event.region.toString(16)}`);
  const order =
    event.order === undefined ? [] : [`order=[${event.order.map((vmptr) => `0x${vmptr.toString(16)}`).join(" ")}]`];
  return [
    event.kind,
    ...(name === undefined ? [] : [event.epoch === undefined ? name : `${name}(e${event.epoch})`]),
    ...(event.vmptr === undefined ? [] : [`for 0x${event.vmptr.toString(16)}`]),
    // A CPU's own column says which one it is.
    ...FIELDS.filter((key) => key !== "cpu" || nodeOf(event) === L0).flatMap((key) =>
      event[key] === undefined ? [] : [`${key}=${event[key]}`],
    ),
    ...(event.activated === true ? ["read from memory"] : []),
    ...(event.active === undefined ? [] : [event.active ? "active until now" : "not active"]),
    ...(event.launched === true ? ["launched"] : []),
    ...(event.definite === false ? ["indefinite"] : []),
    ...(event.digest === undefined || !withContents ? [] : [`contents 0x${event.digest.toString(16)}`]),
    ...order,
  ].join(" ");
}
