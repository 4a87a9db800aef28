/** docs/sdm.md against the code: what it names exists, and nothing that the processor does is missing. */
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { RuleTable } from "../../packages/vmx/src/entry-checks/context.js";
import { EXECUTION_CONTROL_RULES } from "../../packages/vmx/src/entry-checks/execution-control-rules.js";
import { EXIT_ENTRY_CONTROL_RULES } from "../../packages/vmx/src/entry-checks/exit-entry-control-rules.js";
import { GUEST_NONREGISTER_RULES } from "../../packages/vmx/src/entry-checks/guest-nonregister-rules.js";
import {
  GUEST_REGISTER_RULES,
  GUEST_TABLE_AND_FLAG_RULES,
} from "../../packages/vmx/src/entry-checks/guest-register-rules.js";
import { GUEST_SEGMENT_RULES } from "../../packages/vmx/src/entry-checks/guest-segment-rules.js";
import { HOST_RULES } from "../../packages/vmx/src/entry-checks/host-rules.js";
import { CPU_MODELS, Hazard, VmError } from "../../packages/vmx/src/index.js";
import { filesIn, readNamed, readPage, rowsOf, table, testsIn, titlesOf } from "./sdm-page.js";

const page = readPage();

const RULES: Readonly<Record<string, readonly RuleTable[]>> = {
  "entry-checks/execution-control-rules.ts": EXECUTION_CONTROL_RULES,
  "entry-checks/exit-entry-control-rules.ts": EXIT_ENTRY_CONTROL_RULES,
  "entry-checks/host-rules.ts": HOST_RULES,
  "entry-checks/guest-register-rules.ts": [...GUEST_REGISTER_RULES, ...GUEST_TABLE_AND_FLAG_RULES],
  "entry-checks/guest-segment-rules.ts": GUEST_SEGMENT_RULES,
  "entry-checks/guest-nonregister-rules.ts": GUEST_NONREGISTER_RULES,
};

const LAST_ERROR = 28;
const FEATURE_CONTROL = 0x3a;

describe("what the page names exists", () => {
  test("every file", () => {
    expect(filesIn(page).filter((file) => readNamed(file) === undefined)).toEqual([]);
    expect(filesIn(page).length).toBeGreaterThan(200);
  });

  test("every test, by its title", () => {
    const named = testsIn(page);
    const missing = named.filter(({ file, title }) => !titlesOf(readNamed(file) ?? "").has(title));
    expect(missing).toEqual([]);
    expect(named.length).toBeGreaterThan(90);
  });

  test("every row of a table with tests names one", () => {
    const withTests = rowsOf(page).filter(
      ({ cells }) => cells.length === 5 || (cells.length === 4 && !/^[A-Z_0-9]+$/.test(cells[0] ?? "")),
    );
    expect(withTests.filter(({ cells }) => testsIn(cells.at(-1) ?? "").length === 0)).toEqual([]);
  });
});

describe("nothing that the processor does is missing", () => {
  test("every rule of VM entry has its row, with its section and its file, and no row is made up", () => {
    const listed = table(page, "Checks at VM entry", 4)
      .filter(([field = ""]) => /^[A-Z_0-9]+$/.test(field))
      .map((cells) => cells.join(" | "));
    const rules = Object.entries(RULES).flatMap(([file, tables]) =>
      tables.flatMap((each) =>
        each.rules.map(({ field, rule, section }) =>
          [field, rule, section.replace("SDM ", ""), `\`${file}\``].join(" | "),
        ),
      ),
    );
    expect([...listed].sort()).toEqual([...rules].sort());
  });

  test("every VM-instruction error is one that occurs, in the file that gives it, or one that does not", () => {
    const occurring = table(page, "VM-instruction errors", 4);
    expect(occurring.map(([number]) => Number(number))).toEqual(Object.values(VmError));
    const names = new Map(Object.entries(VmError).map(([name, number]) => [number as number, name]));
    for (const [number = "", , files = ""] of occurring) {
      const texts = filesIn(files).map((file) => readNamed(file) ?? "");
      expect(texts.some((text) => text.includes(`VmError.${names.get(Number(number))}`))).toBe(true);
    }
    const others = table(page, "VM-instruction errors", 2).flatMap(([numbers = ""]) => numbers.split(", ").map(Number));
    const all = [...occurring.map(([number]) => Number(number)), ...others].sort((a, b) => a - b);
    expect(all).toEqual(Array.from({ length: LAST_ERROR }, (_, index) => index + 1));
  });

  test("every hazard", () => {
    const hazards = new Set(Object.keys(Hazard));
    const listed = table(page, "VMCS and VMXON regions", 4).map(([name = ""]) => name);
    expect(listed.filter((name) => hazards.has(name))).toEqual(Object.keys(Hazard).filter((name) => name !== "none"));
  });

  test("every capability MSR of every model", () => {
    const numbers = new Set(Object.values(CPU_MODELS).flatMap(({ msrs }) => [...msrs.keys()]));
    const listed = table(page, "MSRs", 3).map(([number]) => Number(number));
    expect(listed).toEqual([FEATURE_CONTROL, ...[...numbers].sort((a, b) => a - b)]);
  });

  test("every file that executes an instruction or checks an entry", () => {
    const files = ["instructions", "entry-checks"].flatMap((folder) =>
      readdirSync(new URL(`../../packages/vmx/src/${folder}/`, import.meta.url))
        .filter((name) => !name.endsWith(".test.ts"))
        .map((name) => `${folder}/${name}`),
    );
    const named = new Set(filesIn(page));
    expect(files.filter((file) => !named.has(file) && !HELPERS.has(file))).toEqual([]);
  });
});

/** They hold no obligation of their own: the rules are written with them. */
const HELPERS: ReadonlySet<string> = new Set([
  "entry-checks/bits.ts",
  "entry-checks/context.ts",
  "entry-checks/controls.ts",
]);
