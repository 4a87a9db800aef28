/** An event as a line in the manner of `trace-cmd report`, with KVM's names for the events that KVM has. */
import type { EventKind, HistoryEvent } from "../event.js";

/** Names of KVM's trace points; every other kind has its own name with underscores. */
const TRACE_POINTS: Partial<Record<EventKind, string>> = {
  "vm.entry": "kvm_entry",
  "vm.exit": "kvm_exit",
  "nested.enter": "kvm_nested_vmenter",
  "nested.enterFailed": "kvm_nested_vmenter_failed",
  "nested.exit": "kvm_nested_vmexit",
};

/** Said before the colon, or of no use in a line. */
const ENVELOPE: ReadonlySet<string> = new Set([
  "kind",
  "host",
  "source",
  "seq",
  "incarnation",
  "lamport",
  "wallUs",
  "monoNs",
]);
const ADDRESSES: ReadonlySet<string> = new Set(["region", "vmptr", "order"]);

export function tracePointName(kind: EventKind): string {
  const plain = kind.replace(".", "_").replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return TRACE_POINTS[kind] ?? plain;
}

/** `timeUs` is what the line says, in seconds: the caller knows which clock may be compared. */
export function traceLine(event: HistoryEvent, timeUs: number): string {
  const { source, incarnation, kind } = event;
  const cpu = /^cpu(\d+)$/.exec(source)?.[1] ?? event.cpu;
  // An event of L0 that is about no CPU has none: 000 would be CPU 0.
  const on = cpu === undefined || Number(cpu) < 0 ? "---" : String(cpu).padStart(3, "0");
  const fields = Object.entries(event)
    .filter(([name, value]) => value !== undefined && !ENVELOPE.has(name))
    .map(([name, value]) => ` ${name}=${valueText(name, value)}`);
  return `${source}-${incarnation} [${on}] ${(timeUs / 1e6).toFixed(6)}: ${tracePointName(kind)}:${fields.join("")}`;
}

function valueText(name: string, value: unknown): string {
  if (typeof value === "boolean") return value ? "1" : "0";
  if (typeof value === "number") return ADDRESSES.has(name) ? `0x${value.toString(16)}` : String(value);
  if (Array.isArray(value)) return value.map((entry: unknown) => valueText(name, entry)).join(",");
  return typeof value === "string" && /^[^\s="]+$/.test(value) ? value : JSON.stringify(value);
}
