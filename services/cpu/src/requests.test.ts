import type { EventFact } from "@vmcslab/history";
import { cpuOutcomeFromWire, cpuWire, InvalidMessage } from "@vmcslab/runtime";
import { cpuModelNamed, DEFAULT_CPU_MODEL } from "@vmcslab/vmx";
import { expect, test } from "vitest";
import { Board } from "./board.js";
import { PeoplesInstructions } from "./instructions.js";
import { CpuRequests } from "./requests.js";

const mode = cpuWire.ProcessorMode.UNSPECIFIED;
const REVISION = 0x2b;
const LIFE = { incarnation: 1, holdsLease: () => true };

function cpu(): { requests: CpuRequests; board: Board; facts: EventFact[] } {
  const model = cpuModelNamed(DEFAULT_CPU_MODEL);
  if (model === undefined) throw new Error(DEFAULT_CPU_MODEL);
  const facts: EventFact[] = [];
  const emit = (fact: EventFact): void => {
    facts.push(fact);
  };
  const board = new Board({ cpu: 0, model, life: LIFE, emit });
  return { requests: new CpuRequests(board, new PeoplesInstructions(board, emit)), board, facts };
}

const PROGRAM: cpuWire.ExecuteRequest = {
  steps: [
    { step: { $case: "writeMemory", value: { address: 0x1000n, dwords: [REVISION] } } },
    { step: { $case: "writeMemory", value: { address: 0x2000n, dwords: [REVISION] } } },
    { step: { $case: "vmxon", value: { address: 0x1000n, mode } } },
    { step: { $case: "vmclear", value: { address: 0x2000n, mode } } },
    { step: { $case: "vmptrld", value: { address: 0x2000n, mode } } },
    { step: { $case: "vmread", value: { field: 0x4001n, mode } } },
    { step: { $case: "vmptrst", value: { mode } } },
    { step: { $case: "writeMemory", value: { address: 0x2008n, dwords: [1] } } },
  ],
};

test("a program: every step has its outcome, the state it left, and the rule that it broke", () => {
  const { requests, facts } = cpu();
  const outcomes = requests.run(PROGRAM).results.map(cpuOutcomeFromWire);
  expect(outcomes.map(({ status }) => status)).toEqual([
    ...["succeed", "succeed", "succeed", "succeed", "succeed"],
    ...["failValid", "succeed", "succeed"],
  ]);
  expect(outcomes.at(5)).toMatchObject({ error: 12, vmxOperation: true, current: 0x2000 });
  expect(outcomes.at(6)).toMatchObject({ value: 0x2000n });
  expect(outcomes.at(7)?.brokenRule?.name).toBe("activeVmcsWritten");
  expect(facts.map(({ kind }) => kind)).toEqual(["vmx.on", "vmcs.clear", "vmcs.load", "vm.fail"]);
});

test("nothing of a program is executed when one of its steps says nothing sensible", () => {
  const { requests, board } = cpu();
  const steps = [...PROGRAM.steps, { step: undefined }];
  expect(() => requests.run({ steps })).toThrow(InvalidMessage);
  expect(() => requests.run({ steps: [] })).toThrow(InvalidMessage);
  expect(board.processor.inVmxOperation).toBe(false);
});

test("RESET leaves VMX operation, and as after power-on memory reads as zeros", () => {
  const { requests, board, facts } = cpu();
  requests.run(PROGRAM);
  requests.execute({ $case: "reset", value: { clearMemory: false } });
  expect([board.processor.inVmxOperation, board.memory.read32(0x1000)]).toEqual([false, REVISION]);
  requests.execute({ $case: "reset", value: { clearMemory: true } });
  expect(requests.readMemory({ address: 0x1000n, count: 1 })).toEqual({ dwords: [0] });
  expect(facts.filter(({ kind }) => kind === "vmx.off")).toHaveLength(1);
});

test("a CPU that an L0 uses is looked at, and executes nothing for anybody else", () => {
  const { requests, board, facts } = cpu();
  board.open(1, false);
  board.receive({ id: 1, cpu: 0, operation: 1, instructions: [{ kind: "vmxon", region: 0x1000 }] });
  const before = facts.length;
  expect(() => requests.execute({ $case: "vmxoff", value: { mode } })).toThrow("belongs to an L0");
  expect(() => requests.run(PROGRAM)).toThrow("belongs to an L0");
  expect(board.memory.read32(0x2000)).toBe(0);
  expect(requests.execute({ $case: "vmptrst", value: { mode } })).toMatchObject({ value: 0xffff_ffff_ffff_ffffn });
  expect(facts).toHaveLength(before);
});
