import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  anyStep,
  anyStepOrLoss,
  begin,
  expectNothingLeft,
  expectOrderly,
  expectTruth,
  newBoard,
  type Step,
  violationsOf,
} from "../test-support/random-operations.js";
import { ShuffledLinks } from "../test-support/shuffled-links.js";
import type { Board } from "./board.js";

function prepare(board: Board, poolSize: number, run: (step: Step) => void): void {
  run({ kind: "create", cpu: 0, pool: poolSize });
  run({ kind: "create", cpu: 1, pool: poolSize });
  run({ kind: "vmxon", vcpu: 0 });
  run({ kind: "build", vcpu: 0, vmptr: 0 });
  expect(board.hypervisor.listVcpus()).toHaveLength(2);
}

const poolSizes = fc.nat({ max: 3 });

describe("the hypervisor core on a board of processors", () => {
  test("any sequence of operations keeps the records true, breaks no invariant and leaks nothing", () => {
    fc.assert(
      fc.property(fc.array(anyStep, { minLength: 5, maxLength: 60 }), poolSizes, (steps, poolSize) => {
        const { board, history } = newBoard(poolSize);
        const run = (step: Step): void => {
          const operation = begin(board, step);
          if (operation !== undefined) expectOrderly(board.run(operation));
        };
        prepare(board, poolSize, run);
        for (const step of steps) {
          run(step);
          expectTruth(board);
        }
        expectNothingLeft(board);
        expect(violationsOf(history)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test("operations at once, their batches and completions delivered in any order (first in, first out per CPU): the same", () => {
    const anyMove = fc.oneof(
      { weight: 2, arbitrary: anyStep },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant("deliver" as const), choice: fc.nat({ max: 1000 }) }) },
    );
    fc.assert(
      fc.property(fc.array(anyMove, { minLength: 10, maxLength: 120 }), poolSizes, (moves, poolSize) => {
        const links = new ShuffledLinks();
        const { board, history } = newBoard(poolSize, links);
        links.drain();
        let ended = 0;
        let begun = 0;
        const start = (step: Step): void => {
          const operation = begin(board, step);
          if (operation === undefined) return;
          begun++;
          board.start(operation, (answer) => {
            ended++;
            expectOrderly(answer);
          });
        };
        prepare(board, poolSize, (step) => {
          start(step);
          links.drain();
        });
        for (const move of moves) {
          if (move.kind === "deliver") links.deliver(move.choice);
          else start(move);
        }
        links.drain();
        expect({ ended, inFlight: board.inFlight }).toEqual({ ended: begun, inFlight: 0 });
        expectTruth(board);
        links.becomeInstant();
        expectNothingLeft(board);
        expect(violationsOf(history)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test("requests and replies get lost: nothing is loaded twice, written back twice or lost, and when they arrive again all can be destroyed", () => {
    fc.assert(
      fc.property(fc.array(anyStepOrLoss, { minLength: 10, maxLength: 80 }), poolSizes, (steps, poolSize) => {
        const { board, history } = newBoard(poolSize);
        const run = (step: Step): void => {
          const operation = begin(board, step);
          if (operation !== undefined) expectOrderly(board.run(operation), "deadline");
        };
        prepare(board, poolSize, run);
        steps.forEach(run);
        board.clearFaults();
        expectNothingLeft(board);
        expect(violationsOf(history)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test("a CPU goes offline while a clear of a vcpu that leaves it is on its way: cleared once, loaded where the vcpu went (cpus=3, pool=1)", () => {
    const links = new ShuffledLinks();
    const { board, history } = newBoard(1, links);
    links.drain();
    const answers: unknown[] = [];
    const start = (step: Step): void => {
      const operation = begin(board, step);
      if (operation !== undefined) board.start(operation, (answer) => answers.push(answer));
    };
    prepare(board, 1, (step) => {
      start(step);
      links.drain();
    });
    answers.length = 0;
    start({ kind: "place", vcpu: 0, cpu: 2 });
    // The record still names CPU 0, so the offline path clears the same VMCS again, behind the clear that is on its way.
    start({ kind: "offline", cpu: 0 });
    links.drain();
    expect(answers).toHaveLength(2);
    expect(answers).toContainEqual({ ok: true, value: undefined });
    expect(answers).toContainEqual({ ok: true, value: 1 });
    expect(board.hypervisor.nestedState(0)).toMatchObject({ cpu: 2, vmcs01: { cpu: 2, launched: true } });
    expectTruth(board);
    links.becomeInstant();
    expectNothingLeft(board);
    expect(violationsOf(history)).toEqual([]);
  });
});
