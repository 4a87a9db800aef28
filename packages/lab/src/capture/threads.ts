/** Which events belong to one vcpu: those of one thread, because KVM runs each vcpu in a thread of its own. */
import type { KvmEvent } from "./event.js";
import type { Inferences } from "./inferences.js";

export interface CapturedThread {
  readonly label: string;
  readonly events: readonly KvmEvent[];
}

/** Groups events by vcpu, in order of first appearance. */
export function threadsOf(events: readonly KvmEvent[], inferences: Inferences): CapturedThread[] {
  const byThread = new Map<string, KvmEvent[]>();
  const lastOnCpu = new Map<number, string>();
  let last: string | undefined;
  for (const event of events) {
    const key = keyOf(event) ?? guess(event, lastOnCpu, last, inferences);
    const found = byThread.get(key);
    if (found === undefined) byThread.set(key, [event]);
    else found.push(event);
    if (event.cpu !== undefined) lastOnCpu.set(event.cpu, key);
    last = key;
  }
  const threads = [...byThread].map(([key, own]) => ({ label: labelOf(key, own), events: own }));
  noteEqualNumbers(threads, inferences);
  return threads;
}

function keyOf(event: KvmEvent): string | undefined {
  if (event.thread !== undefined) return `thread ${event.thread}`;
  return "vcpu" in event && event.vcpu !== undefined ? `vcpu ${event.vcpu}` : undefined;
}

/** A line with neither thread nor vcpu: it goes on where its CPU, or the line before, was. */
function guess(
  event: KvmEvent,
  lastOnCpu: ReadonlyMap<number, string>,
  last: string | undefined,
  inferences: Inferences,
): string {
  inferences.note("an event that names neither thread nor vcpu belongs to the vcpu that was seen last", event.line);
  const onCpu = event.cpu === undefined ? undefined : lastOnCpu.get(event.cpu);
  return onCpu ?? last ?? "vcpu 0";
}

function vcpuNumber(events: readonly KvmEvent[]): number | undefined {
  for (const event of events) if ("vcpu" in event && event.vcpu !== undefined) return event.vcpu;
  return undefined;
}

function labelOf(key: string, events: readonly KvmEvent[]): string {
  const vcpu = vcpuNumber(events);
  return vcpu === undefined || key.startsWith("vcpu") ? key : `vcpu ${vcpu} (${key})`;
}

function noteEqualNumbers(threads: readonly CapturedThread[], inferences: Inferences): void {
  const numbers = threads.flatMap(({ events }) => vcpuNumber(events) ?? []);
  if (new Set(numbers).size < numbers.length) {
    inferences.note("threads with the same vcpu number belong to different virtual machines");
  }
}
