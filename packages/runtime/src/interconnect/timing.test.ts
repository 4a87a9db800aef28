import { type Batch, type BatchInstruction, type BatchResult, BatchTarget, type Completion } from "@vmcslab/nested";
import { CPU_MODELS, DEFAULT_CPU_MODEL, Memory, Processor } from "@vmcslab/vmx";
import { expect, test } from "vitest";
import { type SharedClock, systemClock } from "../clock.js";
import { LamportClock } from "../lamport.js";
import { InterconnectEndpoint } from "./endpoint.js";
import { inProcessTarget } from "./in-process/target.js";
import { inProcessTransport } from "./in-process/transport.js";
import type { InterconnectTarget } from "./port.js";
import { InterconnectSession } from "./session.js";
import { BatchStopwatch } from "./stopwatch.js";

const INTERRUPT: BatchInstruction = { kind: "interrupt" };
const RESUME: BatchInstruction = { kind: "resumeInterrupted" };

/** Goes on by 1 ns each time it is read. */
class CountingClock implements SharedClock {
  #now = 0;

  constructor(readonly id: string) {}

  nowNs(): number {
    return ++this.#now;
  }
}

class TimedTarget implements InterconnectTarget {
  readonly cpu = 0;
  readonly incarnation = 1;
  readonly stopwatch: BatchStopwatch;
  readonly #target: BatchTarget;

  constructor(clock: SharedClock) {
    this.stopwatch = new BatchStopwatch(clock);
    const model = CPU_MODELS[DEFAULT_CPU_MODEL];
    if (model === undefined) throw new Error("the default model exists");
    const memory = new Memory();
    const processor = new Processor({ cpu: 0, model, memory });
    const { stopwatch } = this;
    const { revision } = model;
    this.#target = new BatchTarget({ cpu: 0, processor, memory, revision, emit: () => undefined, stopwatch });
  }

  holdsLease(): boolean {
    return true;
  }

  open(): undefined {}

  receive(batch: Batch): readonly Completion[] {
    return this.#target.receive(batch, 0);
  }

  acknowledge(upTo: number): void {
    this.#target.acknowledge(upTo);
  }
}

/** A session in which VMXON was executed, and two VMCSs are active. */
async function rig(l0: SharedClock, cpu: SharedClock) {
  const target = new TimedTarget(cpu);
  const endpoint = new InterconnectEndpoint(target, new LamportClock());
  const session = new InterconnectSession({
    ...{ cpu: 0, incarnation: 1, session: 1, clock: systemClock, lamport: new LamportClock(), timedBy: l0 },
    transport: inProcessTransport(inProcessTarget(endpoint)),
    onReady: () => undefined,
    onLost: () => undefined,
  });
  const run = (...instructions: BatchInstruction[]): Promise<BatchResult> =>
    new Promise((resolve) => session.send({ cpu: 0, operation: 1, instructions }, resolve));
  const nothing = { encodings: [], low: [], high: [] };
  await run({ kind: "vmxon", region: 0x1000 });
  for (const [region, epoch] of [
    [0x2000, 1],
    [0x3000, 2],
  ] as const)
    await run({ kind: "vmclear", region, epoch: 0 }, { kind: "vmptrld", region, epoch, image: nothing });
  return { run, close: () => session.close() };
}

const CLEARS: BatchInstruction[] = [
  INTERRUPT,
  { kind: "vmclear", region: 0x2000, epoch: 1 },
  { kind: "vmclear", region: 0x3000, epoch: 2 },
  RESUME,
];

test("a cross-CPU call comes back with when it was handed over, received, executed, flushed and back", async () => {
  const clock = new CountingClock("the machine's");
  const { run, close } = await rig(clock, clock);
  const result = await run(...CLEARS);
  if (!result.ok) throw new Error(result.error.message);
  const { timing, link } = result.completion;
  const handedNs = link?.handedNs ?? 0;
  // Read once each: handed over; received; begins; VMCLEAR begins and ends, twice; ended; arrived.
  expect({ timing, link }).toEqual({
    link: { handedNs, arrivedNs: handedNs + 8, oneClock: true },
    timing: { receivedNs: handedNs + 1, waitedNs: 1, executedNs: 5, flushedNs: [1, 1] },
  });
  close();
});

test("clocks are one when both say the same of theirs, and not when neither knows", async () => {
  for (const [l0, cpu, oneClock] of [
    ["a", "a", true],
    ["a", "b", false],
    ["", "", false],
  ] as const) {
    const { run, close } = await rig(new CountingClock(l0), new CountingClock(cpu));
    const result = await run(...CLEARS);
    expect(result.ok && result.completion.link?.oneClock).toBe(oneClock);
    close();
  }
});

test("nothing else is timed", async () => {
  const clock = new CountingClock("a");
  const { run, close } = await rig(clock, clock);
  const result = await run({ kind: "vmclear", region: 0x2000, epoch: 1 });
  expect(result.ok && Object.keys(result.completion)).toEqual(["id", "cpu", "results"]);
  close();
});
