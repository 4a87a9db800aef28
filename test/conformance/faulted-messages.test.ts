/** The simulated network and the links of a live L0 under the same faults: the same messages meet the same fate at the same time. */
import {
  type Fault,
  type FaultMatch,
  FaultSet,
  type MessageAction,
  MessageFaults,
  RandomStream,
} from "@vmcslab/faults";
import type { BatchInstruction } from "@vmcslab/nested";
import { faultyTransport, type Transport } from "@vmcslab/runtime";
import { ManualClock } from "@vmcslab/runtime/manual-clock";
import { Scheduler } from "@vmcslab/sim";
import fc from "fast-check";
import { expect, test } from "vitest";
import { batchToWire } from "../../packages/runtime/src/codec/batch.js";
import { L0 } from "../../packages/sim/src/host/messages.js";
import { SimNetwork } from "../../packages/sim/src/host/network.js";

const CPU = 2;

interface Step {
  readonly afterMs: number;
  readonly instructions: readonly BatchInstruction[];
  /** The CPU is cut off while this is sent. */
  readonly isCut: boolean;
}

/** What became of the messages: when which batch arrived at the CPU and which completion at L0, and what the sender was told. */
interface Fate {
  readonly arrived: readonly string[];
  readonly received: readonly string[];
  readonly told: readonly string[];
}

const instruction: fc.Arbitrary<BatchInstruction> = fc.oneof(
  fc.record({ kind: fc.constant("vmxon"), region: fc.constant(0x1000) }),
  fc.record({ kind: fc.constant("vmclear"), region: fc.constant(0x1000), epoch: fc.constant(3) }),
  fc.record({ kind: fc.constant("vmptrld"), region: fc.constant(0x1000), epoch: fc.constant(3) }),
  fc.record({ kind: fc.constant("vmread"), encodings: fc.constant([0x681e]) }),
  fc.record({ kind: fc.constantFrom("vmxoff", "vmlaunch", "vmresume", "interrupt", "resumeInterrupted") }),
);

const step: fc.Arbitrary<Step> = fc.record({
  afterMs: fc.nat({ max: 4 }),
  instructions: fc.array(instruction, { minLength: 1, maxLength: 3 }),
  isCut: fc.integer({ max: 9, min: 0 }).map((tenth) => tenth === 0),
});

/** No two sums of these are the same, so that no two messages are due at one time unless they were sent at one. */
const LATE_NS = [1_000_003, 3_000_109, 9_001_127, 27_013_001] as const;

const actionAt = (index: number): fc.Arbitrary<MessageAction> =>
  fc.oneof(
    fc.record({ kind: fc.constantFrom("dropRequest", "dropReply") }),
    fc.constant<MessageAction>({ kind: "delay", delay: { constant: LATE_NS[index] ?? 0 } }),
    fc.constant<MessageAction>({ kind: "reorder", byNs: LATE_NS[index] ?? 0 }),
    fc.record({ kind: fc.constant("duplicate"), copies: fc.integer({ min: 1, max: 2 }) }),
    fc.record({ kind: fc.constant("error"), definite: fc.boolean() }),
  );

// Of one direction, so that how messages of both ways interleave within an instant does not count.
const match: fc.Arbitrary<FaultMatch> = fc
  .tuple(
    fc.constantFrom("l0", "cpu", "cpu2", "cpu1"),
    fc.record(
      {
        method: fc.constantFrom("batch", "completion", "vmclear", "interrupt", "vmread", "vmxoff"),
        nth: fc.integer({ min: 1, max: 5 }),
        every: fc.integer({ min: 1, max: 3 }),
        probability: fc.constantFrom(0.3, 0.7, 1),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([from, rest]) => ({ from, ...rest }));

const faults: fc.Arbitrary<Fault[]> = fc
  .nat({ max: LATE_NS.length })
  .chain((count) => fc.tuple(...LATE_NS.slice(0, count).map((_, index) => fc.tuple(match, actionAt(index)))))
  .map((pairs) => pairs.map(([match, action], index) => ({ name: `f${index}`, match, action })));

function active(all: readonly Fault[], seed: string): MessageFaults {
  const messages = new MessageFaults(all, new RandomStream(seed));
  for (const fault of all) messages.activate(fault);
  return messages;
}

function simulated(all: readonly Fault[], steps: readonly Step[], seed: string): Fate {
  const scheduler = new Scheduler();
  const arrived: string[] = [];
  const received: string[] = [];
  const told: string[] = [];
  const network = new SimNetwork({
    ...{ scheduler, latency: () => 0, inOrder: true, random: new RandomStream("latency") },
    faults: active(all, seed),
    failBatch: (_session, id, definite) => {
      // A batch ends once: what it is told later finds nobody.
      if (!told.some((earlier) => earlier.startsWith(`${id} `))) told.push(`${id} ${definite}`);
    },
    deliver: (_from, _to, message) => {
      if (message.kind === "completion") received.push(`${message.completion.id} at ${scheduler.nowNs}`);
      if (message.kind !== "batch") return;
      const { batch, session, losesReply } = message;
      arrived.push(`${batch.id} at ${scheduler.nowNs}`);
      const completion = { id: batch.id, cpu: CPU, results: [] };
      network.send(CPU, L0, { kind: "completion", session, batch, completion, isLost: losesReply === true });
    },
  });
  let nowNs = 0;
  const run = (untilNs: number): void => {
    while (scheduler.step(untilNs));
  };
  steps.forEach(({ afterMs, instructions, isCut }, index) => {
    nowNs += afterMs * 1e6;
    run(nowNs);
    scheduler.at(nowNs, () => {
      if (isCut) network.partition(CPU);
      const batch = { id: index + 1, cpu: CPU, operation: 0, instructions };
      network.send(L0, CPU, { kind: "batch", session: 1, batch, acknowledged: 0 });
    });
    run(nowNs);
    if (isCut) network.heal(CPU);
  });
  run(Number.MAX_SAFE_INTEGER);
  return { arrived, received, told };
}

function live(all: readonly Fault[], steps: readonly Step[], seed: string): Fate {
  const clock = new ManualClock();
  const arrived: string[] = [];
  const received: string[] = [];
  const told: string[] = [];
  let isCut = false;
  const transport: Transport = {
    open: (receive) => ({
      send: ({ frame }) => {
        if (frame?.$case !== "batch") return;
        const { id } = frame.value;
        arrived.push(`${id} at ${clock.monoNs()}`);
        receive({
          lamport: 0n,
          frame: { $case: "completion", value: { id, cpu: CPU, results: [], timing: undefined } },
        });
      },
      close: () => undefined,
    }),
    close: () => undefined,
  };
  const link = faultyTransport(transport, {
    ...{ cpu: CPU, clock, faults: new FaultSet(active(all, seed)), isPartitioned: () => isCut },
    failBatch: (id, definite) => told.push(`${id} ${definite}`),
  }).open(
    ({ frame }) => {
      if (frame?.$case === "completion") received.push(`${frame.value.id} at ${clock.monoNs()}`);
    },
    () => undefined,
  );
  steps.forEach((step, index) => {
    clock.advance(step.afterMs);
    isCut = step.isCut;
    const value = batchToWire({ id: index + 1, cpu: CPU, operation: 0, instructions: step.instructions });
    link.send({ lamport: 0n, acknowledged: 0n, frame: { $case: "batch", value } });
    isCut = false;
  });
  clock.advance(10_000);
  expect(clock.pending).toBe(0);
  return { arrived, received, told };
}

test("the same faults, seed and messages: the same fate, simulated and live (one CPU, latency 0)", () => {
  const reached = { late: 0, lost: 0, twice: 0, told: 0 };
  fc.assert(
    fc.property(faults, fc.array(step, { minLength: 1, maxLength: 15 }), fc.string(), (all, steps, seed) => {
      const fate = live(all, steps, seed);
      expect(fate).toEqual(simulated(all, steps, seed));
      if (fate.arrived.length < steps.length) reached.lost++;
      if (fate.arrived.length > steps.length) reached.twice++;
      if (fate.received.some((text) => !text.endsWith("000"))) reached.late++;
      if (fate.told.length > 0) reached.told++;
    }),
    { numRuns: 2000 },
  );
  for (const count of Object.values(reached)) expect(count).toBeGreaterThan(5);
});
