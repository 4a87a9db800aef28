/**
 * The recorded sequences mark where the manual leaves an outcome undefined: exactly there the processor must report the
 * rule that was broken.
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { parseSequence, RecordedMachine, type Sequence } from "../../packages/lab/src/exec/index.js";
import type { HazardName } from "../../packages/vmx/src/index.js";

/** The recording's reasons, and the hazard that each is here. */
const HAZARD_OF_REASON: Readonly<Record<string, HazardName>> = {
  "VMCLEARed while active on another CPU": "clearedWhileActiveElsewhere",
  "another CPU's VMXON region used as VMCS": "vmxonRegionUsedAsVmcs",
  "VMXON region is an active VMCS": "activeVmcsUsedAsVmxonRegion",
  "VMXON region shared with another CPU": "vmxonRegionShared",
  "active on two CPUs": "activeOnTwoProcessors",
  "launch state never initialised by VMCLEAR": "launchStateUninitialised",
  "memory of an active VMCS written": "activeVmcsWritten",
  "write to a VMXON region in use": "vmxonRegionWritten",
};

/** The recording marks VMXOFF with an active VMCS where its data is used again, not where the rule is broken. */
const REPORTED_EARLIER: HazardName = "activeAtVmxoff";

interface Found {
  readonly at: number;
  /** Undefined: no rule was broken up to and with the last operation. */
  readonly name: HazardName | undefined;
  readonly status: string;
}

interface Found {
  readonly at: number;
  /** Undefined: no rule was broken up to and with the last operation. */
  readonly name: HazardName | undefined;
  readonly status: string;
}

function firstHazard(sequence: Sequence, end: number): Found {
  const machine = new RecordedMachine(sequence);
  let status = "";
  for (let at = 0; at < end; at++) {
    ({ status } = machine.run(sequence.ops[at] ?? {}));
    if (machine.hazard !== undefined) return { at, name: machine.hazard.name, status };
  }
  return { at: end - 1, name: undefined, status };
}

/**
 * A shadow VMCS cannot be entered (VMfailInvalid), so that its launch state does not matter: the recording emulator
 * looks at it all the same.
 */
function isShadowEntry(expected: HazardName | undefined, found: Found): boolean {
  return expected === "launchStateUninitialised" && found.name === undefined && found.status === "failInvalid";
}

test.each(["directed", "matrix", "random-1cpu", "random-2cpu", "random-clean"])("%s", (name) => {
  const text = gunzipSync(readFileSync(new URL(`data/${name}.jsonl.gz`, import.meta.url))).toString("utf8");
  const wrong: string[] = [];
  for (const line of text.split("\n").filter((candidate) => candidate !== "")) {
    const sequence = parseSequence(line);
    const marked = Math.min(...sequence.undefinedAt.keys());
    const found = firstHazard(sequence, Math.min(sequence.ops.length, marked + 1));
    const expected = HAZARD_OF_REASON[sequence.undefinedAt.get(marked) ?? ""];
    if (found.name === REPORTED_EARLIER || isShadowEntry(expected, found)) continue;
    const isExpected = found.name === expected && (expected === undefined || found.at === marked);
    if (!isExpected) wrong.push(`${sequence.id}[${marked}]: recorded ${expected}, here ${found.name} at ${found.at}`);
  }
  expect(wrong).toEqual([]);
});
