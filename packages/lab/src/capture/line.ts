/** One line of a capture. No input makes it throw. */
import type { CaptureEventBase, CaptureLine, ExitPayload, KvmEvent } from "./event.js";
import { exitReasonNumber } from "./exit-reasons.js";
import { type LineHead, parseLineHead } from "./line-head.js";

/** `# tracer: nop`, trace-cmd's `cpus=8` and `version = 7`, its `CPU 3 is empty`, what it says about lost events. */
const FRAME_PATTERNS = [
  /^$/,
  /^#/,
  /^cpus=\d+$/,
  /^version = \d+$/i,
  /^CPU \d+ is empty$/i,
  /^(?:CPU:?\s*\d+\s*)?\[LOST \d+ EVENTS\]$/i,
  /^CPU:\d+ \[(?:\d+ )?EVENTS DROPPED\]$/i,
];

/** What a line says, and if it is an event of KVM that a replay uses, that event. */
export function parseCaptureLine(text: string, line: number): CaptureLine {
  const trimmed = text.trim();
  if (FRAME_PATTERNS.some((pattern) => pattern.test(trimmed))) return { class: "frame" };
  const head = parseLineHead(text);
  if (head === undefined) return { class: "notUnderstood", why: "not the form of a trace line" };
  return parsePayload(head, line);
}

function parsePayload(head: LineHead, line: number): CaptureLine {
  const parse = Object.hasOwn(PAYLOAD_PARSERS, head.name) ? PAYLOAD_PARSERS[head.name] : undefined;
  if (parse === undefined) {
    const isKvm =
      (head.subsystem ?? "kvm") === "kvm" && /^(kvm|vcpu|mark_mmio|handle_mmio|fast_page_fault)/.test(head.name);
    return { class: isKvm || head.subsystem === "kvm" ? "otherKvm" : "other", name: head.name };
  }
  const event = parse(head.payload, {
    line,
    ...(head.cpu === undefined ? {} : { cpu: head.cpu }),
    ...(head.timeNs === undefined ? {} : { timeNs: head.timeNs }),
    ...(head.thread === undefined ? {} : { thread: head.thread }),
  });
  return event === undefined
    ? { class: "notUnderstood", why: `${head.name} without the fields it should have` }
    : { class: "event", event };
}

type PayloadParser = (payload: string, base: CaptureEventBase) => KvmEvent | undefined;

const PAYLOAD_PARSERS: Readonly<Record<string, PayloadParser>> = {
  kvm_entry: parseEntry,
  kvm_exit: (payload, base) => withExit(payload, (exit) => ({ ...base, ...exit, kind: "exit" })),
  kvm_nested_vmexit: (payload, base) => withExit(payload, (exit) => ({ ...base, ...exit, kind: "nestedExit" })),
  kvm_nested_vmexit_inject: (payload, base) =>
    withExit(payload, (exit) => ({ ...base, ...exit, kind: "nestedExitInject" })),
  kvm_nested_vmenter: parseNestedEnter,
  kvm_nested_vmrun: parseNestedEnter,
  kvm_nested_vmenter_failed: (payload, base) => ({ ...base, kind: "nestedEnterFailed", message: payload }),
};

/** `vcpu 0, rip 0x…`; older: `vcpu 3`. */
function parseEntry(payload: string, base: CaptureEventBase): KvmEvent | undefined {
  const vcpu = /\bvcpu (\d{1,6})\b/.exec(payload)?.[1];
  const rip = hexAfter(payload, /\brip:? (?:0x)?([0-9a-f]{1,16})\b/i);
  if (vcpu === undefined && rip === undefined) return undefined;
  return { ...base, kind: "entry", ...vcpuOf(vcpu), ...(rip === undefined ? {} : { rip }) };
}

/**
 * `[vcpu n] reason NAME [FAILED_VMENTRY] rip 0x… info1 0x…`; older: `info 0 0`; kvm_nested_vmexit of some kernels has KVM_EXIT's fields by other
 * names, and where perf does not know a field it writes CAN'T FIND FIELD in front.
 */
function withExit(payload: string, build: (exit: ExitPayload) => KvmEvent): KvmEvent | undefined {
  const reasonName = /\breason:? ?([A-Z][A-Z0-9_]{0,40}|0x[0-9a-f]{1,8}|\d{1,10})\b/i.exec(payload)?.[1];
  if (reasonName === undefined) return undefined;
  const reason = exitReasonNumber(reasonName);
  const rip = hexAfter(payload, /\brip:? (?:0x)?([0-9a-f]{1,16})\b/i);
  const qualification = hexAfter(payload, /\b(?:ext_inf1|info1?):? (?:0x)?([0-9a-f]{1,16})\b/i);
  return build({
    ...vcpuOf(/\bvcpu (\d{1,6})\b/.exec(payload)?.[1]),
    reasonName,
    ...(reason === undefined ? {} : { reason }),
    ...(rip === undefined ? {} : { rip }),
    ...(qualification === undefined ? {} : { qualification }),
  });
}

/** `rip: 0x… vmcs: 0x… nested_rip: 0x… int_ctl: … event_inj: 0x… nested_ept=y nested_eptp: 0x…`; before 6.3 `npt: on`, `nrip`. */
function parseNestedEnter(payload: string, base: CaptureEventBase): KvmEvent | undefined {
  const vmcs = hexAfter(payload, /\b(?:vmcs|vmcb):? (?:0x)?([0-9a-f]{1,16})\b/i);
  if (vmcs === undefined) return undefined;
  const nestedRip = hexAfter(payload, /\b(?:nested_rip|nrip):? (?:0x)?([0-9a-f]{1,16})\b/i);
  const injection = hexAfter(payload, /\bevent_inj:? (?:0x)?([0-9a-f]{1,8})\b/i);
  const nestedEptp = hexAfter(payload, /\b(?:nested_eptp|nested_cr3):? (?:0x)?([0-9a-f]{1,16})\b/i);
  const guestPgd = hexAfter(payload, /\b(?:guest_cr3|guest_pgd):? (?:0x)?([0-9a-f]{1,16})\b/i);
  return {
    ...base,
    kind: "nestedEnter",
    vmcs,
    ...(nestedRip === undefined ? {} : { nestedRip }),
    ...(injection === undefined ? {} : { eventInjection: Number(injection) }),
    ...(nestedEptp === undefined ? {} : { nestedEptp }),
    ...(guestPgd === undefined ? {} : { guestPgd }),
  };
}

function vcpuOf(text: string | undefined): { vcpu?: number } {
  return text === undefined ? {} : { vcpu: Number(text) };
}

function hexAfter(payload: string, pattern: RegExp): bigint | undefined {
  const digits = pattern.exec(payload)?.[1];
  return digits === undefined ? undefined : BigInt(`0x${digits}`);
}
