/**
 * The head of a trace line: who ran, where and when, before the trace point's own words. perf, trace-cmd and ftrace agree on the parts
 * and on little else; each part below may be missing.
 *
 *     CPU 0/KVM  699876 [020] 18136.763622:  kvm:kvm_entry: vcpu 0, …       perf script: comm may hold spaces
 *     qemu-system-x86-6660  [007]   398.691444: kvm_entry: vcpu 3           trace-cmd report: comm-pid
 *     qemu-kvm-7461  [024] d....  3410.005610: kvm_exit: …                  ftrace: with a column of flags
 *     qemu-kvm-7461  (7460) [024] d....  3410.005610: kvm_exit: …           ftrace: with the thread group
 *     kvm_exit:             reason VMRESUME …                               quoted in a mail: nothing but the event
 */

export interface LineHead {
  readonly comm?: string;
  readonly thread?: number;
  readonly cpu?: number;
  readonly timeNs?: bigint;
  /** Name of the trace point, without its subsystem. */
  readonly name: string;
  /** `kvm` in `kvm:kvm_entry`, when it is written. */
  readonly subsystem?: string;
  /** The rest of the line. */
  readonly payload: string;
}

/** Lines are cut here before they are matched, so that no line, however long, costs more than this. */
const LINE_LENGTH_MAX = 4_096;

/** `[cpu]`, perhaps flags, and the time; then the event. */
const STAMP_PATTERN = /\[(\d{1,6})\]\s+(?:([^\s:]{1,12})\s+)?(\d{1,12})\.(\d{1,9}):\s+/;
const NAME_PATTERN = /^(?:([a-z][a-z0-9_]{0,30}):)?([a-z_][a-z0-9_]{0,60}):(?:\s|$)/i;
const THREAD_PATTERN = /^(.*?)(?:-|\s+)(\d{1,10})(?:\/\d{1,10})?(?:\s+\(\s*(?:\d+|-+)\))?$/;

/** Splits a line. Undefined: it does not have the form of a trace line. */
export function parseLineHead(line: string): LineHead | undefined {
  const text = line.slice(0, LINE_LENGTH_MAX).trim();
  const stamp = STAMP_PATTERN.exec(text);
  const [, cpuText, , seconds, fraction] = stamp ?? [];
  const event = stamp === null ? text : text.slice(stamp.index + stamp[0].length);
  const named = NAME_PATTERN.exec(event);
  const [, subsystem, name] = named ?? [];
  if (named === null || name === undefined) return undefined;
  return {
    ...threadOf(stamp === null ? "" : text.slice(0, stamp.index).trim()),
    ...(cpuText === undefined ? {} : { cpu: Number(cpuText) }),
    ...(seconds === undefined || fraction === undefined ? {} : { timeNs: nanoseconds(seconds, fraction) }),
    ...(subsystem === undefined ? {} : { subsystem }),
    name,
    payload: event.slice(named[0].length).trim(),
  };
}

function threadOf(text: string): Pick<LineHead, "comm" | "thread"> {
  const [, comm, pid] = THREAD_PATTERN.exec(text) ?? [];
  return comm === undefined || pid === undefined ? {} : { comm: comm.trim(), thread: Number(pid) };
}

function nanoseconds(seconds: string, fraction: string): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
}
