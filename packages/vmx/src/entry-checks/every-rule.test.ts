/** No rule of VM entry is there for nothing: each one is the first that some VMCS breaks. */
import { expect, test } from "vitest";
import type { CpuModel } from "../cpu-model.js";
import type { FieldStore } from "../field-store.js";
import { Memory } from "../memory.js";
import { CONTROLS, fieldsWith, GUEST, HOST, model } from "../testing/entry-cases.js";
import { CONTROL_CASES, GENEROUS_MODEL, GUEST_CASES, HOST_CASES, IMPLIED } from "../testing/rare-entry-cases.js";
import { CONTROL_RULES, GUEST_STATE_RULES, HOST_STATE_RULES } from "./check.js";
import { EntryContext, firstBroken, type RuleList } from "./context.js";

const CURRENT = 0x5000;

/** "GUEST_RIP: canonical", as the tables have it. */
function brokenBy(list: RuleList, fields: FieldStore, cpuModel: CpuModel): string {
  const memory = new Memory();
  memory.write32(CURRENT, model.revision);
  memory.write64(0x6000, 3n);
  const context = new EntryContext(cpuModel, memory);
  context.use(fields, CURRENT);
  const rule = firstBroken(list, context);
  return rule === undefined ? "nothing" : `${rule.field}: ${rule.rule}`;
}

const AREAS = [
  ["control fields", CONTROL_RULES, CONTROLS, CONTROL_CASES],
  ["host-state area", HOST_STATE_RULES, HOST, HOST_CASES],
  ["guest-state area", GUEST_STATE_RULES, GUEST, GUEST_CASES],
] as const;

test.each(AREAS)(
  "every rule of the %s is broken by a VMCS that breaks no rule before it",
  (_area, list, common, rare) => {
    const broken = new Set(common.map(([_section, _field, changes]) => brokenBy(list, fieldsWith(changes), model)));
    for (const [wanted, changes] of rare) {
      expect(brokenBy(list, fieldsWith(changes), GENEROUS_MODEL)).toBe(wanted);
      broken.add(wanted);
    }
    const rules = list.flatMap(({ rules }) => rules.map(({ field, rule }) => `${field}: ${rule}`));
    expect(rules.filter((rule) => !broken.has(rule) && !IMPLIED.has(rule))).toEqual([]);
  },
);
