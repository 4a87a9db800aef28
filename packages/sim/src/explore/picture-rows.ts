import type { HistoryEvent } from "@vmcslab/history";
import type { NodeId } from "../host/messages.js";
import { L0 } from "../host/messages.js";
import { describeOperation } from "./explore-text.js";
import { describeEvent, nodeEvent, nodeOf } from "./picture-events.js";
import { messageRows } from "./picture-messages.js";
import type { Happening, Recording } from "./picture-record.js";
import { SAFETY_NS } from "./run-plan.js";

/** One line of a picture, before it is drawn. */
export interface Row {
  readonly ns: number;
  /** Orders rows of one instant. */
  readonly at: number;
  readonly text: string;
  /** In the column of a node. */
  readonly word?: { readonly node: NodeId; readonly text: string };
  readonly arrow?: { readonly from: NodeId; readonly to: NodeId; readonly style: ArrowStyle };
  /** From here on the node is not there, or is again. */
  readonly node?: { readonly node: NodeId; readonly isAlive: boolean };
  /** It contradicts another. */
  readonly isEvidence?: true;
}

/** `both`: a batch and its answer. `open`: it arrives in a row of its own. `end`: that row. */
export type ArrowStyle = "whole" | "both" | "open" | "end" | "lost";

/** What of a run is worth a line. */
export function rowsOf(recording: Recording): Row[] {
  const { happenings } = recording;
  const evidence = evidenceOf(recording);
  const others = happenings.flatMap((happening) => rowsOfHappening(happening, evidence, recording));
  return [...others, ...messageRows(recording, others)].sort((a, b) => a.ns - b.ns || a.at - b.at);
}

/** Of anything but messages. */
function rowsOfHappening(
  happening: Happening,
  evidence: ReadonlyMap<HistoryEvent, number>,
  recording: Recording,
): Row[] {
  switch (happening.kind) {
    case "event":
      return eventRows(happening, evidence, recording);
    case "died":
      return [{ ...diedAt(happening, recording.happenings), node: { node: happening.node, isAlive: false } }];
    case "asked":
      return [l0Row(happening, `#${happening.number} ${describeOperation(happening.operation)}`)];
    case "skipped":
      return [l0Row(happening, `#${happening.number} has no vcpu to work on`)];
    case "ended":
      return endRows(happening, recording.happenings);
    case "sent":
      return [];
  }
}

/** The events that contradict, with their numbers. */
export function evidenceOf({ outcome, happenings }: Recording): ReadonlyMap<HistoryEvent, number> {
  const numbers = new Map<HistoryEvent, number>();
  for (const { source, seq, incarnation } of outcome.violation?.violation?.events ?? []) {
    for (const happening of happenings) {
      if (happening.kind !== "event") continue;
      const { event } = happening;
      if (event.source === source && event.seq === seq && event.incarnation === incarnation)
        numbers.set(event, numbers.size + 1);
    }
  }
  return numbers;
}

function l0Row({ ns, at }: Happening, text: string): Row {
  return { ns, at, text, word: { node: L0, text: "●" } };
}

type Of<K extends Happening["kind"]> = Extract<Happening, { kind: K }>;
type OfClient = Extract<Happening, { kind: "asked" | "skipped" | "ended" }>;

function eventRows(happening: Of<"event">, evidence: ReadonlyMap<HistoryEvent, number>, recording: Recording): Row[] {
  const { event, vmcs, ns, at } = happening;
  const number = evidence.get(event);
  if (number !== undefined) {
    const word = { node: nodeOf(event), text: `[${number}]` };
    const text = `[${number}] ${describeEvent(event, vmcs, aboutContents(recording))}`;
    return [{ ns, at, text, word, isEvidence: true }];
  }
  if (event.kind === "op.begin" && isClosing(event, recording.plan))
    return [l0Row(happening, `closing: ${event.instruction}${event.vcpu === undefined ? "" : ` vcpu${event.vcpu}`}`)];
  const found = nodeEvent(event, vmcs, recording.plan.faults);
  if (found === undefined) return [];
  const { node, word, text } = found;
  const isAlive = event.kind === "cpu.registered" || word === "restart";
  return [{ ns, at, text, word: { node, text: word }, ...(isAlive ? { node: { node, isAlive } } : {}) }];
}

function aboutContents({ outcome }: Recording): boolean {
  return outcome.violation?.rule === "stale-load" || outcome.violation?.rule === "lost-update";
}

/** The plan is over, and the host is taken down. */
function isClosing({ instruction, monoNs }: HistoryEvent, { operations }: Recording["plan"]): boolean {
  // Every CPU is brought online, which most of them are.
  if (instruction === "registerCpu" || instruction === "onlineCpu") return false;
  return monoNs >= (operations.at(-1)?.atNs ?? 0) + SAFETY_NS;
}

/** Only where it does not go without saying: it failed, or something else happened since it began. */
function endRows(happening: OfClient, happenings: readonly Happening[]): Row[] {
  const { number, error, at } = happening;
  if (error !== undefined) {
    const doubt = error.definite ? "" : " (nobody knows whether it took effect)";
    return [l0Row(happening, `#${number} ends: ${error.code}${doubt}`)];
  }
  const asked = happenings.findLast((other) => other.kind === "asked" && other.number === number && other.at < at);
  const isAlone = happenings
    .slice(asked?.at ?? at, at)
    .every((other) => (other.kind !== "asked" && other.kind !== "ended") || other.number === number);
  return isAlone ? [] : [l0Row(happening, `#${number} has ended`)];
}

/** Who dies at a write-back is seen to be dead later: it died when the last batch that nobody answered arrived. */
function diedAt({ node, ns, at }: Of<"died">, happenings: readonly Happening[]): Row {
  const name = node === L0 ? "L0" : `cpu${node}`;
  const batch = happenings.findLast(
    (other) =>
      other.kind === "sent" &&
      other.at < at &&
      other.record.to === node &&
      other.record.message.kind === "batch" &&
      (other.record.arrivesNs ?? ns) <= ns,
  );
  const isHere = happenings[at - 1]?.kind === "event" || batch?.kind !== "sent";
  const died = isHere ? ns : (batch.record.arrivesNs ?? ns);
  return { ns: died, at: isHere ? at : batch.at + 0.5, text: `${name} is dead`, word: { node, text: "†" } };
}
