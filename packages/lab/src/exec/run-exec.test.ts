/** The streams around an executor: order, back-pressure, exit codes. */
import { Readable, Writable } from "node:stream";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { runExec } from "./run-exec.js";
import { runTraces } from "./traces/run-traces.js";

class Collector extends Writable {
  text = "";
  readonly #delayMs: number;

  constructor({ delayMs = 0, highWaterMark = 16384 }: { delayMs?: number; highWaterMark?: number } = {}) {
    super({ highWaterMark });
    this.#delayMs = delayMs;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    if (this.#delayMs === 0) done();
    else setTimeout(done, this.#delayMs);
  }
}

async function run(
  chunks: Iterable<string>,
  strict = false,
): Promise<{ code: number; output: string; errors: string }> {
  const output = new Collector();
  const errors = new Collector();
  const code = await runExec({ input: Readable.from(chunks), output, errors, strict });
  return { code, output: output.text, errors: errors.text };
}

const MOVED_WITHOUT_VMCLEAR = [
  { op: "machine", cpus: 2 },
  ...["0x1000", "0x2000", "0x3000"].map((addr) => ({ cpu: 0, op: "write32", addr, value: "0x2b" })),
  { cpu: 0, op: "vmxon", addr: "0x1000" },
  { cpu: 1, op: "vmxon", addr: "0x2000" },
  { cpu: 0, op: "vmclear", addr: "0x3000" },
  { cpu: 0, op: "vmptrld", addr: "0x3000" },
  { cpu: 1, op: "vmptrld", addr: "0x3000" },
  { cpu: 1, op: "vmptrst" },
].map((line) => `${JSON.stringify(line)}\n`);

describe("runExec", () => {
  test("one result line per operation, however the input is cut, with or without a last newline", async () => {
    const text = '{"op":"machine"}\n\n{"cpu":0,"op":"vmxoff"}\r\n{"cpu":0,"op":"vmptrst"}';
    const expected = '{"status":"succeed"}\n{"status":"exception","vector":6}\n{"status":"exception","vector":6}\n';
    expect(await run([text])).toEqual({ code: 0, output: expected, errors: "" });
    expect((await run([...text])).output).toBe(expected);
  });

  test("a byte order mark before the first line is no part of it", async () => {
    expect(await run(["\ufeff", '{"op":"machine"}\n'])).toMatchObject({ code: 0, output: '{"status":"succeed"}\n' });
    expect(await run(['\ufeff{"op":"machine"}\n'])).toMatchObject({ code: 0, output: '{"status":"succeed"}\n' });
    expect((await run(['{"op":"machine"}\n\ufeff{"op":"machine"}\n'])).code).toBe(64);
  });

  test("stops at a line that is not an operation: exit code 64, with what came before it", async () => {
    const result = await run(['{"op":"machine"}\n', '{"cpu":0,"op":"vmxof"}\n', '{"op":"machine"}\n']);
    expect(result).toEqual({
      code: 64,
      output: '{"status":"succeed"}\n',
      errors: 'vmcslab exec: line 2: there is no operation "vmxof"; did you mean "vmxoff"?\n',
    });
  });

  test("hazards go to the error stream", async () => {
    const { code, output, errors } = await run(MOVED_WITHOUT_VMCLEAR);
    expect(code).toBe(0);
    expect(output.trimEnd().split("\n")).toHaveLength(MOVED_WITHOUT_VMCLEAR.length);
    expect(JSON.parse(errors)).toEqual({
      event: "hazard",
      line: 9,
      hazard: "activeOnTwoProcessors",
      rule: "a VMCS must not be active on more than one logical processor",
      section: "SDM 24.11.1",
    });
  });

  test("strict: the first hazard ends the program with exit code 1", async () => {
    const { code, output, errors } = await run(MOVED_WITHOUT_VMCLEAR, true);
    expect(code).toBe(1);
    expect(output.trimEnd().split("\n")).toHaveLength(9);
    expect(JSON.parse(output.trimEnd().split("\n").at(-1) ?? "")).toMatchObject({
      status: "hazard",
      hazard: "activeOnTwoProcessors",
    });
    expect(errors).toBe(
      "vmcslab exec: line 9: a VMCS must not be active on more than one logical processor (SDM 24.11.1)\n",
    );
  });

  test("a reader that goes away ends the program quietly", async () => {
    const output = new Collector();
    let produced = 0;
    function* chunks(): Generator<string> {
      for (; produced < 1000; produced++) {
        if (produced === 5) output.destroy(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
        yield '{"cpu":0,"op":"vmxoff"}\n';
      }
    }
    const input = Readable.from(chunks(), { highWaterMark: 1 });
    expect(await runExec({ input, output, errors: new Collector() })).toBe(0);
    expect(produced).toBeLessThan(20);
  });

  test("a slow reader holds the program back: no more than one chunk ahead", async () => {
    const output = new Collector({ delayMs: 1, highWaterMark: 64 });
    let produced = 0;
    let aheadMax = 0;
    function* chunks(): Generator<string> {
      for (let chunk = 0; chunk < 40; chunk++) {
        produced++;
        aheadMax = Math.max(aheadMax, produced - output.text.split("\n").length / 10);
        yield '{"cpu":0,"op":"vmxoff"}\n'.repeat(10);
      }
    }
    const input = Readable.from(chunks(), { highWaterMark: 1 });
    expect(await runExec({ input, output, errors: new Collector() })).toBe(0);
    expect(aheadMax).toBeLessThan(8);
  });
});

describe("runTraces", () => {
  const sequence = (result: unknown): string =>
    `${JSON.stringify({
      id: "one",
      model: "corei7_sandy_bridge_2600k",
      cpus: 1,
      ops: [
        { cpu: 0, op: "vmxon", addr: "X0" },
        { cpu: 0, op: "vmptrst" },
      ],
      results: [{ status: "succeed", vmx: true, cur: "none" }, result],
    })}\n`;

  async function replay(text: string, json: boolean): Promise<{ code: number; output: string; errors: string }> {
    const output = new Collector();
    const errors = new Collector();
    const code = await runTraces({ input: Readable.from([text]), output, errors, file: "t.jsonl", json });
    return { code, output: output.text, errors: errors.text };
  }

  test("agreement is exit code 0", async () => {
    const { code, output } = await replay(
      sequence({ status: "succeed", value: "0xffffffffffffffff", vmx: true, cur: "none" }),
      true,
    );
    expect(code).toBe(0);
    expect(JSON.parse(output)).toEqual({
      schema: "vmcslab.traces/v1",
      file: "t.jsonl",
      sequences: 1,
      operations: 2,
      compared: 2,
      skipped: 0,
      disagreements: [],
    });
  });

  test("a disagreement is exit code 1 and says where", async () => {
    const { code, output } = await replay(sequence({ status: "failInvalid", vmx: true, cur: "none" }), false);
    expect(code).toBe(1);
    expect(output).toBe(
      'line 1, one, operation 1: {"cpu":0,"op":"vmptrst"}\n' +
        '  recorded {"status":"failInvalid","vmx":true,"cur":"none"}\n' +
        '  here     {"status":"succeed","value":"0xffffffffffffffff","vmx":true,"cur":"none"}\n' +
        "t.jsonl: 1 sequences, 2 operations: 2 outcomes compared, 0 not (undefined, or the recording is known to be wrong)\n" +
        "1 disagreements\n",
    );
  });

  test("a line that is no sequence is exit code 64", async () => {
    const { code, errors } = await replay('{"op":"machine"}\n', false);
    expect(code).toBe(64);
    expect(errors).toBe(
      'vmcslab exec: t.jsonl: line 1: a sequence needs "ops", an array of objects; this line is {"op":"machine"}\n',
    );
  });

  test("numbers in any form, and what may be left out: cpus, the only cpu, mode", async () => {
    const ops = [
      { op: "vmxon", addr: "X0" },
      { op: "vmclear", addr: 0x1000000 },
      { op: "vmptrld", addr: "16777216" },
      { op: "vmwrite", field: 0x681e, value: 4096 },
      { op: "vmread", field: "26654", form: "reg" },
      { op: "vmread", field: "GUEST_RIP" },
      { op: "invvpid", type: 1, desc: [1, "0"] },
      { op: "invvpid", cpu: 0, type: "0x1", desc: ["V0+0x10", 0] },
      { op: "write32", addr: "V1+4", value: "REV^0x80000000" },
    ];
    const on = { vmx: true, cur: "V0" };
    const results = [
      { status: "succeed", vmx: true, cur: "none" },
      { status: "succeed", vmx: true, cur: "none" },
      { status: "succeed", ...on },
      { status: "succeed", ...on },
      { status: "succeed", value: "0x1000", ...on },
      { status: "succeed", value: "0x1000", ...on },
      { status: "succeed", ...on },
      { status: "failValid", error: 28, ...on },
      { status: "succeed", ...on },
    ];
    const { code, output, errors } = await replay(`${JSON.stringify({ ops, results })}\n`, true);
    expect({ code, errors, disagreements: JSON.parse(output).disagreements }).toEqual({
      code: 0,
      errors: "",
      disagreements: [],
    });
  });

  test("as many CPUs as the operations name, when the sequence does not say", async () => {
    const ops = [3, 0].map((cpu) => ({ cpu, op: "vmxon", addr: `X${cpu}` }));
    const results = ops.map(() => ({ status: "succeed", vmx: true, cur: "none" }));
    expect((await replay(`${JSON.stringify({ ops, results })}\n`, true)).code).toBe(0);
  });

  test("a guest that starts where the recorded program has no code is only entered", async () => {
    const ops = [
      { op: "vmxon", addr: "X0" },
      { op: "vmclear", addr: "V0" },
      { op: "vmptrld", addr: "V0" },
      { op: "setup" },
      { op: "vmwrite", field: "GUEST_RIP", value: "0x1234" },
      { op: "vmlaunch" },
    ];
    const results = ops.map(() => ({ status: "succeed", vmx: true, cur: "V0" }));
    const { code, output } = await replay(`${JSON.stringify({ ops, results })}\n`, true);
    expect(code).toBe(1);
    expect(JSON.parse(output).disagreements.at(-1).actual).toEqual({ status: "vmentry", vmx: true, cur: "V0" });
  });

  test("no text does anything but give a report or a usage error", async () => {
    const op = fc.record({
      cpu: fc.constantFrom(0, 1, 9, "x"),
      op: fc.constantFrom("vmxon", "setup", "vmlaunch", "vmptrld", "write32", "zero", "vmread", "none"),
      addr: fc.constantFrom("V0", "X0", "V9", "V1+0x10", 0, -1, "0xffffffffffffffff"),
      field: fc.constantFrom("GUEST_RIP", 4, "0x100000000", null),
      value: fc.constantFrom("REV", "@guest_hlt", "@nobody", 1),
    });
    const sequence = fc.record(
      {
        id: fc.string(),
        model: fc.constantFrom("tigerlake", "corei7_haswell_4770", 7),
        cpus: fc.constantFrom(1, 2, 0, "2"),
        featureControl: fc.constantFrom("unlocked", 0, "0x5", "locked"),
        ops: fc.array(op, { maxLength: 4 }),
        results: fc.array(fc.constant({}), { maxLength: 4 }),
        undefined: fc.constantFrom({}, { "1": "why" }, []),
      },
      { requiredKeys: [] },
    );
    const line = fc.oneof(
      sequence.map((item) => JSON.stringify(item)),
      fc.string(),
      fc.json(),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 4 }), async (lines) => {
        expect([0, 1, 64]).toContain((await replay(lines.join("\n"), true)).code);
      }),
      { numRuns: 300 },
    );
  });
});
