/**
 * From a capture to what a replay does: per vcpu, a sequence of operations of L0. The capture says where each ran, when L1 and L2
 * left and why, and which exits reached L1. What it does not say is inferred here, and every inference is counted under its text.
 */

import { UsageError } from "../errors.js";
import type { CpuMapping } from "./cpu-mapping.js";
import { mapCpus } from "./cpu-mapping.js";
import type { KvmEventKind } from "./event.js";
import { formatInference, Inferences } from "./inferences.js";
import type { Capture } from "./read.js";
import { threadsOf } from "./threads.js";
import { VcpuPlanner } from "./vcpu-planner.js";

interface PlannedBase {
  /** Line of the capture. */
  readonly line: number;
  /** Nanoseconds after the first event; undefined when the capture has no times. */
  readonly atNs?: bigint;
  /** CPU of our host. */
  readonly cpu: number;
}

/** VMX instructions of L1 that a capture names without their operands. */
export type PlainInstruction = "vmclear" | "vmptrld" | "vmptrst" | "vmread" | "vmwrite" | "vmxoff" | "vmxon";

export type PlannedOperation = PlannedBase &
  (
    | {
        /** L1 enters L2. */
        readonly kind: "enter";
        readonly instruction: "vmlaunch" | "vmresume";
        /** Address of the vmcs12. */
        readonly vmptr: number;
        readonly guestRip?: bigint;
        readonly eventInjection?: number;
      }
    | { readonly kind: "exitL1"; readonly reason: number; readonly qualification: bigint; readonly rip?: bigint }
    | {
        readonly kind: "exitL2";
        readonly reason: number;
        readonly qualification: bigint;
        readonly rip?: bigint;
        /** L1 got to see it. */
        readonly toL1: boolean;
      }
    /** `vmptr`: the vmcs12 that a VMPTRLD or VMCLEAR means. */
    | { readonly kind: "instruction"; readonly instruction: PlainInstruction; readonly vmptr?: number }
  );

export interface VcpuPlan {
  /** As the capture names it. */
  readonly label: string;
  readonly operations: readonly PlannedOperation[];
}

export interface ReplayPlan {
  readonly file: string;
  readonly vcpus: readonly VcpuPlan[];
  readonly cpus: CpuMapping;
  /** Moves of a vcpu to another CPU that the capture holds, and that the replay makes. */
  readonly migrations: { readonly captured: number; readonly replayed: number };
  /** Operations of all vcpus. */
  readonly operations: number;
  /** What was inferred, with how often and the first line. */
  readonly inferences: Inferences;
}

/** Plans the replay of a capture on a host with `cpus` CPUs. Throws UsageError when that comes to nothing. */
export function planReplay(capture: Capture, cpus: number): ReplayPlan {
  const inferences = new Inferences();
  const mapping = mapCpus(capture.events, cpus, inferences);
  const threads = threadsOf(capture.events, inferences);
  const startNs = capture.events.find((event) => event.timeNs !== undefined)?.timeNs;
  const hasNestedEvents = capture.events.some((event) => event.kind.startsWith("nested"));
  const planners = threads.map((thread) => new VcpuPlanner({ thread, mapping, startNs, inferences, hasNestedEvents }));
  const plans = planners.map((planner) => planner.plan());
  const operations = plans.reduce((sum, plan) => sum + plan.operations.length, 0);
  if (operations === 0) throw new UsageError(whyNothing(capture, inferences));
  const captured = threads.reduce((sum, { events }) => sum + moves(events.flatMap((event) => event.cpu ?? [])), 0);
  const replayed = plans.reduce((sum, plan) => sum + moves(plan.operations.map((operation) => operation.cpu)), 0);
  return {
    file: capture.file,
    vcpus: plans.filter((plan) => plan.operations.length > 0),
    cpus: mapping,
    migrations: { captured, replayed },
    operations,
    inferences,
  };
}

const TRACE_POINTS: Readonly<Record<KvmEventKind, string>> = {
  entry: "kvm_entry",
  exit: "kvm_exit",
  nestedEnter: "kvm_nested_vmenter",
  nestedEnterFailed: "kvm_nested_vmenter_failed",
  nestedExit: "kvm_nested_vmexit",
  nestedExitInject: "kvm_nested_vmexit_inject",
};

function whyNothing({ file, events, counts }: Capture, inferences: Inferences): string {
  const numbers = new Map<string, number>();
  for (const { kind } of events) numbers.set(TRACE_POINTS[kind], (numbers.get(TRACE_POINTS[kind]) ?? 0) + 1);
  const found = [...numbers].map(([name, number]) => `${name} ${number}`).join(", ");
  const why = `${file}: nothing to replay in ${counts.lines} lines: ${found}; no exit and no nested entry that could be replayed`;
  const leftOut = inferences.list().filter(({ what }) => what.startsWith("left out: "));
  return [why, ...leftOut.map(formatInference)].join("\n");
}

function moves(cpus: readonly number[]): number {
  return cpus.filter((cpu, index) => index > 0 && cpu !== cpus[index - 1]).length;
}
