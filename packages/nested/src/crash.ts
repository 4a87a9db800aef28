import { fail, type OutgoingBatch, type Steps } from "./effect.js";
import { applyClear, type DecidedClear, decideClear } from "./host/clear.js";
import type { HostCpu } from "./host/host-cpu.js";
import type { HostState } from "./host/host-state.js";

/** What crash clear-all achieved. */
export interface CrashReport {
  /** VMCSs that are in memory now. */
  readonly cleared: number;
  /** CPUs that did not answer: what they cached is not in the dump. */
  readonly silent: readonly number[];
}

interface CrashTarget {
  readonly cpu: HostCpu;
  readonly clears: readonly DecidedClear[];
}

/**
 * Crash clear-all, as kexec needs it (crash_vmclear_local_loaded_vmcss, kernel commit 8f536b7697a0): every VMCS on every CPU's list is VMCLEARed there, launched or not, and the CPU leaves VMX
 * operation. It takes no lock, like the NMI that stops a CPU wherever it is: whatever is under way never goes on. What was sent to a CPU before arrives there before this.
 */
export function* crashClearAll(host: HostState, operation: number): Steps<CrashReport> {
  host.crashed = true;
  const targets = [...host.cpus.values()].filter(({ state }) => state !== "offline").map(targetOf);
  const batches = targets.map((target) => crashBatch(target, operation));
  const results = batches.length === 0 ? [] : yield { kind: "batches", batches };
  const silent: number[] = [];
  let cleared = 0;
  targets.forEach(({ cpu, clears }, i) => {
    const result = results[i];
    if (result?.ok !== true) {
      silent.push(cpu.number);
      return;
    }
    // The interrupt comes first in the batch.
    const done = clears.filter((clear, at) => {
      const outcome = result.completion.results[at + 1];
      // Cleared by what was sent before, and not heard of: it is in memory all the same.
      if (outcome?.status === "notMine") return false;
      return outcome !== undefined && applyClear(host, clear, outcome, operation, "crash");
    });
    cleared += done.length;
    cpu.state = "offline";
    host.emit({ kind: "cpu.offline", operation, cpu: cpu.number, count: done.length });
  });
  host.emit({ kind: "host.crashed", operation, count: cleared, reason: silent.length });
  if (silent.length > 0)
    fail("deadline", `crash clear-all: no answer from CPU ${silent.join(", ")}; ${cleared} VMCSs are in memory`, false);
  return { cleared, silent };
}

function targetOf(cpu: HostCpu): CrashTarget {
  cpu.state = "going";
  cpu.current = undefined;
  cpu.running = undefined;
  return { cpu, clears: [...cpu.loaded].map(decideClear) };
}

function crashBatch({ cpu, clears }: CrashTarget, operation: number): OutgoingBatch {
  return {
    cpu: cpu.number,
    operation,
    instructions: [
      { kind: "interrupt" },
      ...clears.map(({ vmcs, epoch }) => ({ kind: "vmclear", region: vmcs.region, epoch }) as const),
      { kind: "vmxoff" },
    ],
  };
}
