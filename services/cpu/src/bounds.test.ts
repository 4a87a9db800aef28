import {
  type CpuStep,
  type cpuWire,
  InvalidMessage,
  LIMITS,
  OperationRefused,
  requireCpuModel,
} from "@vmcslab/runtime";
import { expect, test } from "vitest";
import { Board } from "./board.js";
import { PeoplesInstructions } from "./instructions.js";
import { CpuRequests } from "./requests.js";

const model = requireCpuModel("tigerlake");

function cpu(): { board: Board; requests: CpuRequests } {
  const emit = (): void => undefined;
  const board = new Board({ cpu: 0, model, life: { incarnation: 1, holdsLease: () => true }, emit });
  return { board, requests: new CpuRequests(board, new PeoplesInstructions(board, emit)) };
}

const write = (address: bigint, dwords: number[]): CpuStep => ({ $case: "writeMemory", value: { address, dwords } });

test("memory ends where the processor's addresses do: nothing is stored, not even the part that fits", () => {
  const { board, requests } = cpu();
  const end = 1n << BigInt(model.physicalAddressWidth);
  expect(() => requests.execute(write(end - 4n, [1, 2]))).toThrow(InvalidMessage);
  expect(() => requests.execute(write(end - 4n, [1, 2]))).toThrow(
    `0x${(end - 4n).toString(16)} with 2 dwords: physical addresses of this CPU have ${model.physicalAddressWidth} bits`,
  );
  expect(() => requests.readMemory({ address: (1n << 53n) - 4n, count: 2 })).toThrow(InvalidMessage);
  expect(board.memory.pageCount).toBe(0);
  requests.execute(write(end - 4n, [1]));
  expect(requests.readMemory({ address: end - 4n, count: 1 })).toEqual({ dwords: [1] });
});

test("memory that people write to is bounded, and a reset that clears it makes room", () => {
  const { board, requests } = cpu();
  const fill = (from: number): cpuWire.ExecuteRequest => ({
    steps: Array.from({ length: LIMITS.steps.max }, (_, index) => ({
      step: write(BigInt(4096 * (from + index)), [1]),
    })),
  });
  const flood = (): void => {
    for (let from = 0; ; from += LIMITS.steps.max) requests.run(fill(from));
  };
  expect(flood).toThrow(OperationRefused);
  expect(flood).toThrow("Reset with clear_memory empties it");
  expect(board.memory.pageCount).toBeLessThanOrEqual(LIMITS.memoryPages.max);
  requests.execute({ $case: "reset", value: { clearMemory: true } });
  requests.run(fill(0));
  expect(board.memory.pageCount).toBe(LIMITS.steps.max);
});
