import type { BatchResult } from "@vmcslab/nested";
import type { Saboteur } from "../host/sim-host.js";
import { combine } from "./combine.js";
import { poolEntriesForgotten } from "./cpus.js";
import type { Mutant } from "./mutant.js";
import { pretendCleared } from "./rewriting.js";
import { isCleared, isCrossCpuClear, sabotage } from "./world.js";

function indefiniteIsDone(): Saboteur {
  return {
    batch(batch, done, send) {
      if (!isCrossCpuClear(batch)) send(batch, done);
      else send(batch, (result) => done(!result.ok && !result.error.definite ? pretendCleared(batch) : result));
    },
  };
}

/** What the cross-CPU call returns is not looked at. A record names a CPU that is down because of H6, without which there would be no error to ignore. */
function errorIgnored(): Saboteur {
  const ignoring: Saboteur = {
    batch(batch, done, send) {
      const failed = (result: BatchResult): boolean =>
        result.ok ? result.completion.results.some(({ status }) => status === "exception") : result.error.definite;
      if (!isCrossCpuClear(batch)) send(batch, done);
      else send(batch, (result) => done(failed(result) ? pretendCleared(batch) : result));
    },
  };
  return combine([poolEntriesForgotten(), ignoring]);
}

function launchedKept(): Saboteur {
  return sabotage((world) => {
    const launched = new Map<number | undefined, boolean>();
    return {
      fact(fact) {
        if (fact.kind !== "vmcs.record") return fact;
        const wasLaunched = launched.get(fact.vmcs) === true;
        const vmcs = world.vmcs(fact.vmcs);
        const isKept = isCleared(fact) && wasLaunched && vmcs !== undefined;
        if (isKept) vmcs.launched = true;
        launched.set(fact.vmcs, isKept || fact.launched === true);
        return isKept ? { ...fact, launched: true } : fact;
      },
      hypervisor: () => launched.clear(),
    };
  });
}

/** Mistakes in what the answer to a clear is taken for. */
export const ANSWER_MUTANTS: readonly Mutant[] = [
  {
    name: "h5-error-ignored",
    origin: "H5",
    says: "A cross-CPU call that returns an error, because the CPU is down or cannot be reached, counts as a clear (with H6, or no record would name a CPU that is down).",
    fixedBy: "KVM d462b8192368",
    breaks: "record-cpu, lost-update or active-twice: what the CPU held is lost, or still active there.",
    create: errorIgnored,
  },
  {
    name: "indefinite-is-done",
    origin: "protocol",
    says: "A clear whose deadline passed counts as executed.",
    fixedBy: "an indefinite clear leaves the record as it was (ARCHITECTURE.md)",
    breaks:
      "active-twice, stale-load or lost-update: it may not have been executed, and what it flushed was not heard of.",
    create: indefiniteIsDone,
  },
  {
    name: "launched-kept",
    origin: "protocol",
    says: "A clear leaves `launched` set in L0's record.",
    fixedBy: "SDM 24.11.3; KVM 9d6105b2b59f for the state that was tied to it",
    breaks: "record-launched or entry-refused: VMRESUME of a VMCS that is clear.",
    create: launchedKept,
  },
];
