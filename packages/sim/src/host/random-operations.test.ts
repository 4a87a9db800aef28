import type { Design } from "@vmcslab/nested";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  anyStep,
  anyStepOrLoss,
  begin,
  CPUS,
  expectNothingLeft,
  expectOrderly,
  expectTruth,
  type Step,
} from "../../test-support/random-operations.js";
import { TestHost } from "../../test-support/test-host.js";

function prepare(host: TestHost, poolSize: number, run: (step: Step) => void): void {
  run({ kind: "create", cpu: 0, pool: poolSize });
  run({ kind: "create", cpu: 1, pool: poolSize });
  run({ kind: "vmxon", vcpu: 0 });
  run({ kind: "build", vcpu: 0, vmptr: 0 });
  expect(host.hypervisor.listVcpus()).toHaveLength(2);
}

const poolSizes = fc.nat({ max: 3 });
const designs: fc.Arbitrary<Design> = fc.record({
  vmcs02: fc.constantFrom("pool", "single"),
  preparation: fc.constantFrom("full", "incremental"),
  clearing: fc.constantFrom("oneByOne", "perCpu", "atOnce"),
});
const MICROSECOND = 1_000;

/** How long each message takes, in turn: on links that keep the order, any order of deliveries is one of these. */
const anyLatencies = fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 100 });

function latencyOf(microseconds: readonly number[]): () => number {
  let next = 0;
  return () => (microseconds[next++ % microseconds.length] ?? 0) * MICROSECOND;
}

describe("the hypervisor core on a host of processors", () => {
  test("any sequence of operations keeps the records true, breaks no invariant and leaks nothing", () => {
    fc.assert(
      fc.property(fc.array(anyStep, { minLength: 5, maxLength: 60 }), poolSizes, designs, (steps, poolSize, design) => {
        const host = new TestHost({ cpus: CPUS, poolSize, design });
        const run = (step: Step): void => {
          const operation = begin(host, step);
          if (operation === undefined) host.advance(0);
          else expectOrderly(host.run(operation));
        };
        prepare(host, poolSize, run);
        for (const step of steps) {
          run(step);
          expectTruth(host);
        }
        expectNothingLeft(host);
        expect(host.violations()).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test("operations at once, their batches and completions delivered in any order (first in, first out per link): the same", () => {
    const anyMove = fc.record({ step: anyStep, afterUs: fc.nat({ max: 15 }) });
    fc.assert(
      fc.property(
        fc.array(anyMove, { minLength: 10, maxLength: 60 }),
        anyLatencies,
        poolSizes,
        designs,
        (moves, latencies, poolSize, design) => {
          const host = new TestHost({ cpus: CPUS, poolSize, design, latency: latencyOf(latencies) });
          let ended = 0;
          let begun = 0;
          prepare(host, poolSize, (step) => {
            const operation = begin(host, step);
            if (operation !== undefined) expectOrderly(host.run(operation));
          });
          for (const { step, afterUs } of moves) {
            const operation = begin(host, step);
            if (operation !== undefined) {
              begun++;
              host.sim.start(operation, (answer) => {
                ended++;
                expectOrderly(answer);
              });
            }
            host.advance(afterUs * MICROSECOND);
          }
          host.settle();
          expect(ended).toBe(begun);
          expectTruth(host);
          expectNothingLeft(host);
          expect(host.violations()).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("requests and replies get lost: nothing is loaded twice, written back twice or lost, and when they arrive again all can be destroyed", () => {
    fc.assert(
      fc.property(
        fc.array(anyStepOrLoss, { minLength: 10, maxLength: 80 }),
        poolSizes,
        // Right behind the deadline, or long before it.
        fc.constantFrom(21, 21, 21, 2),
        designs,
        (steps, poolSize, resendAfterMs, design) => {
          const host = new TestHost({ cpus: CPUS, poolSize, design, resendAfterMs });
          const run = (step: Step): void => {
            const operation = begin(host, step);
            if (operation === undefined) host.advance(0);
            else expectOrderly(host.run(operation), "deadline");
          };
          prepare(host, poolSize, run);
          steps.forEach(run);
          host.sim.heal();
          host.settle();
          expectNothingLeft(host);
          expect(host.violations()).toEqual([]);
        },
      ),
      // What goes wrong here takes a rare sequence of losses.
      { numRuns: 1500 },
    );
  });

  test("a CPU goes offline while a clear of a vcpu that leaves it is on its way: cleared once, loaded where the vcpu went (cpus=3, pool=1)", () => {
    const host = new TestHost({ cpus: CPUS, poolSize: 1, latency: () => MICROSECOND });
    prepare(host, 1, (step) => {
      const operation = begin(host, step);
      if (operation !== undefined) host.run(operation);
    });
    const answers: unknown[] = [];
    const { sim } = host;
    sim.start(
      (l0) => l0.placeVcpu(0, 2),
      (answer) => answers.push(answer),
    );
    // The record still names CPU 0, so the offline path clears the same VMCS again, behind the clear that is on its way.
    sim.start(
      (l0) => l0.offlineCpu(0),
      (answer) => answers.push(answer),
    );
    host.settle();
    expect(answers).toHaveLength(2);
    expect(answers).toContainEqual({ ok: true, value: undefined });
    expect(answers).toContainEqual({ ok: true, value: 1 });
    expect(host.hypervisor.nestedState(0)).toMatchObject({ cpu: 2, vmcs01: { cpu: 2, launched: true } });
    expectTruth(host);
    expectNothingLeft(host);
    expect(host.violations()).toEqual([]);
  });
});
