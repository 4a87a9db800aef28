/** The format of programs: docs/exec.md. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createExecutor } from "./executor.js";
import type { ExecResult } from "./result.js";
import { ExecUsageError } from "./usage-error.js";

const SETUP_REGIONS = [
  { cpu: 0, op: "write32", addr: "0x1000", value: "0x2b" },
  { cpu: 0, op: "write32", addr: "0x3000", value: "0x2b" },
];

function run(...lines: unknown[]): (ExecResult | "blank")[] {
  const executor = createExecutor();
  return lines.map((line) => {
    const answer = executor.line(typeof line === "string" ? line : JSON.stringify(line));
    return answer === "blank" ? answer : answer.result;
  });
}

function problemOf(...lines: unknown[]): string {
  try {
    run(...lines);
  } catch (error) {
    if (error instanceof ExecUsageError) return error.message;
    throw error;
  }
  return "no error";
}

describe("results", () => {
  test("the life of a VMCS", () => {
    expect(
      run(
        { op: "machine", cpus: 2 },
        ...SETUP_REGIONS,
        { cpu: 0, op: "vmptrst" },
        { cpu: 0, op: "vmxon", addr: "0x1000" },
        { cpu: 0, op: "vmptrst" },
        { cpu: 0, op: "vmptrld", addr: "0x3001" },
        { cpu: 0, op: "vmclear", addr: 12288 },
        { cpu: 0, op: "vmptrld", addr: "0x3000" },
        { cpu: 0, op: "vmptrld", addr: "0x3001" },
        { cpu: 0, op: "vmwrite", field: "GUEST_RIP", value: "0x123456789abcdef0" },
        { cpu: 0, op: "vmread", field: "0x681e", form: "mem" },
        { cpu: 0, op: "vmread", field: "VM_INSTRUCTION_ERROR" },
        { cpu: 0, op: "vmlaunch" },
        { cpu: 0, op: "vmlaunch_movss" },
        { cpu: 0, op: "vmread", field: "GUEST_RIP", mode: "user" },
        { cpu: 0, op: "vmexit", reason: 18, qualification: "0x0" },
      ),
    ).toEqual([
      { status: "succeed" },
      { status: "succeed" },
      { status: "succeed" },
      { status: "exception", vector: 6 },
      { status: "succeed" },
      { status: "succeed", value: "0xffffffffffffffff" },
      { status: "failInvalid" },
      { status: "succeed" },
      { status: "succeed" },
      { status: "failValid", error: 9 },
      { status: "succeed" },
      { status: "succeed", value: "0x123456789abcdef0" },
      { status: "succeed", value: "0x9" },
      { status: "failValid", error: 7 },
      { status: "failValid", error: 26 },
      { status: "exception", vector: 13 },
      { status: "exception", vector: 6 },
    ]);
  });

  test("high halves by name, control registers, MSRs, invalidations", () => {
    expect(
      run(
        ...SETUP_REGIONS,
        { cpu: 0, op: "rdmsr", msr: "0x480" },
        { cpu: 0, op: "wrmsr", msr: "0x3a", value: 5 },
        { cpu: 0, op: "vmxon", addr: "0x1000" },
        { cpu: 0, op: "cr4_clr", value: "0x2000" },
        { cpu: 0, op: "vmclear", addr: "0x3000" },
        { cpu: 0, op: "vmptrld", addr: "0x3000" },
        { cpu: 0, op: "vmwrite", field: "TSC_OFFSET_HIGH", value: 7 },
        { cpu: 0, op: "vmread", field: "TSC_OFFSET" },
        { cpu: 0, op: "invept", type: 2, desc: ["0x0", 0] },
        { cpu: 0, op: "invvpid", type: 1, desc: [0, 0] },
        { cpu: 0, op: "vmfunc", value: 0 },
        { cpu: 0, op: "vmcall" },
      ).slice(2),
    ).toEqual([
      { status: "succeed", value: "0xd810000000002b" },
      { status: "exception", vector: 13 },
      { status: "succeed" },
      { status: "exception", vector: 13 },
      { status: "succeed" },
      { status: "succeed" },
      { status: "succeed" },
      { status: "succeed", value: "0x700000000" },
      { status: "succeed" },
      { status: "failValid", error: 28 },
      { status: "exception", vector: 6 },
      { status: "failValid", error: 1 },
    ]);
  });

  test("a machine of its own model, with IA32_FEATURE_CONTROL unlocked", () => {
    expect(
      run(
        { op: "machine", cpus: 1, cpuModel: "tigerlake", featureControl: "unlocked" },
        { cpu: 0, op: "write32", addr: 4096, value: 4 },
        { cpu: 0, op: "vmxon", addr: 4096 },
        { cpu: 0, op: "wrmsr", msr: 58, value: 5 },
        { cpu: 0, op: "vmxon", addr: 4096 },
      ).slice(2),
    ).toEqual([{ status: "exception", vector: 13 }, { status: "succeed" }, { status: "succeed" }]);
  });

  test("`machine` starts afresh, blank lines are no operations", () => {
    expect(
      run({ cpu: 0, op: "write32", addr: 0, value: 1 }, "", "  ", { op: "machine" }, { cpu: 0, op: "vmxoff" }),
    ).toEqual([{ status: "succeed" }, "blank", "blank", { status: "succeed" }, { status: "exception", vector: 6 }]);
  });
});

describe("hazards", () => {
  test("come with the result, and name the rule", () => {
    const executor = createExecutor();
    executor.line('{"op":"machine","cpus":2}');
    for (const line of [...SETUP_REGIONS, { cpu: 0, op: "vmxon", addr: "0x1000" }]) executor.line(JSON.stringify(line));
    for (const op of ["vmclear", "vmptrld"]) executor.line(JSON.stringify({ cpu: 0, op, addr: "0x3000" }));
    expect(executor.line('{"cpu":0,"op":"zero","addr":"0x3000"}')).toEqual({
      result: { status: "succeed" },
      hazard: {
        name: "activeVmcsWritten",
        rule: "memory of an active VMCS must not be accessed with ordinary stores",
        section: "SDM 24.11.1",
      },
    });
  });
});

describe("a line that is not an operation says what to change", () => {
  test.each([
    ["{", /^line 1: not JSON \(.*\); write one object per line, such as \{"cpu":0,"op":"vmxoff"\}$/],
    ["[1]", /^line 1: \[1\] is not an operation; write one object per line/],
    [{ cpu: 0 }, /^line 1: an operation needs "op"/],
    [{ cpu: 0, op: "vmptrl" }, /^line 1: there is no operation "vmptrl"; did you mean "vmptrld"\?$/],
    [{ cpu: 0, op: "constructor" }, /^line 1: there is no operation "constructor"$/],
    [{ op: "vmxoff" }, /^line 1: "vmxoff" needs "cpu", a number such as "0x1000"$/],
    [
      { cpu: 1, op: "vmxoff" },
      /^line 1: there is no cpu 1: the machine has 1, numbered from 0; \{"op":"machine","cpus":2\} makes one with more$/,
    ],
    [{ cpu: 0, op: "vmxon" }, /^line 1: "vmxon" needs "addr"/],
    [
      { cpu: 0, op: "vmxon", addr: "V0" },
      /^line 1: "addr" is "V0"; write an unsigned integer, such as "0x1000" or 4096$/,
    ],
    [{ cpu: 0, op: "vmxon", addr: -1 }, /^line 1: "addr" is -1; write an unsigned integer$/],
    [
      { cpu: 0, op: "vmxon", addr: 2 ** 53 },
      /^line 1: "addr" is 9007199254740992; JSON numbers are exact only below 2\^53: write it in hexadecimal/,
    ],
    [
      { cpu: 0, op: "vmxon", addr: "0x10000000000000000" },
      /^line 1: "addr" is "0x10000000000000000", more than 64 bits; the largest is 0xffffffffffffffff$/,
    ],
    [
      { cpu: 0, op: "vmxon", addr: 0, reason: 1 },
      /^line 1: "vmxon" has no argument "reason"; it has "cpu", "mode", "addr"$/,
    ],
    [{ cpu: 0, op: "vmxon", adr: 0 }, /^line 1: "vmxon" has no argument "adr"; did you mean "addr"\?$/],
    [
      { cpu: 0, op: "vmread", field: "GUEST_RIPP" },
      /^line 1: no VMCS field is called "GUEST_RIPP"; did you mean "GUEST_RIP"\?$/,
    ],
    [
      { cpu: 0, op: "vmread", field: "GUEST_RIP_HIGH" },
      /^line 1: "GUEST_RIP_HIGH": only 64-bit fields have a high half, and GUEST_RIP has width natural$/,
    ],
    [
      { cpu: 0, op: "vmxoff", mode: "usr" },
      /^line 1: "mode" is "usr"; it can be "user" or "compat", or absent; did you mean "user"\?$/,
    ],
    [{ cpu: 0, op: "invept", type: 1, desc: 0 }, /^line 1: "desc" is the 128-bit descriptor as \[low, high\]/],
    [{ cpu: 0, op: "zero", addr: 1 }, /^line 1: "addr" of zero is the address of a 4-KiB page, a multiple of 0x1000$/],
    [{ op: "machine", cpus: 0 }, /^line 1: "cpus" is 0; a machine has 1 to 256$/],
    [{ op: "machine", cpuModel: "tigerlak" }, /^line 1: there is no CPU model "tigerlak"; did you mean "tigerlake"\?$/],
    [{ cpu: 0, op: "setup" }, /^line 1: there is no operation "setup"/],
  ])("%j", (line, message) => {
    expect(problemOf(line)).toMatch(message);
  });

  test("the number is that of the line, counting blank ones", () => {
    expect(problemOf("", { cpu: 0, op: "vmxoff" }, "nonsense")).toMatch(/^line 3: not JSON/);
  });
});

test("no bytes as a program do anything but succeed or give a usage error", () => {
  const words = fc.constantFrom(
    "vmxon",
    "vmclear",
    "vmptrld",
    "vmread",
    "vmwrite",
    "vmlaunch",
    "vmexit",
    "machine",
    "write32",
    "invept",
    "cpu",
    "__proto__",
  );
  const value = fc.oneof(
    words,
    fc.string(),
    fc.double(),
    fc.constantFrom("0x1000", "0x681e", 0, 1, null, true, [0, 0]),
  );
  const object = fc.dictionary(
    fc.oneof(fc.constantFrom("op", "cpu", "addr", "field", "value", "mode", "desc", "type", "cpus"), fc.string()),
    value,
  );
  const operation = fc.tuple(words, object).map(([op, rest]) => JSON.stringify({ cpu: 0, ...rest, op }));
  const line = fc.oneof(
    operation,
    object.map((item) => JSON.stringify(item)),
    fc.string(),
    fc.json(),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
      const executor = createExecutor();
      for (const text of lines) {
        try {
          executor.line(text);
        } catch (error) {
          if (!(error instanceof ExecUsageError)) throw error;
        }
      }
    }),
    { numRuns: 300 },
  );
});
