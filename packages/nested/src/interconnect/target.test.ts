import type { EventFact } from "@vmcslab/history";
import { CPU_MODELS, cpuModelNamed, DEFAULT_CPU_MODEL, Field, Memory, Processor } from "@vmcslab/vmx";
import { describe, expect, test } from "vitest";
import { FieldValuesBuilder, NO_FIELDS } from "../field-values.js";
import type { BatchInstruction, Completion } from "./batch.js";
import { BatchTarget } from "./target.js";

const VMXON = 0x10_0000;
const REGION = 0x10_1000;

interface Rig {
  readonly target: BatchTarget;
  readonly processor: Processor;
  readonly events: EventFact[];
  readonly run: (...instructions: BatchInstruction[]) => Completion;
}

function rig(): Rig {
  const model = CPU_MODELS[DEFAULT_CPU_MODEL];
  if (model === undefined) throw new Error("the default model exists");
  expect(cpuModelNamed(DEFAULT_CPU_MODEL)).toBe(model);
  const memory = new Memory();
  const events: EventFact[] = [];
  const processor = new Processor({ cpu: 3, model, memory });
  const target = new BatchTarget({
    cpu: 3,
    processor,
    memory,
    revision: model.revision,
    emit: (fact) => events.push(fact),
  });
  let id = 0;
  const run = (...instructions: BatchInstruction[]): Completion => {
    const [completion] = target.receive({ id: ++id, cpu: 3, operation: 7, instructions }, 0);
    if (completion === undefined) throw new Error("a batch that is next in order is executed");
    return completion;
  };
  expect(run({ kind: "vmxon", region: VMXON }).results).toEqual([{ status: "succeed" }]);
  return { target, processor, events, run };
}

const load = (epoch: number, image = NO_FIELDS): BatchInstruction => ({
  kind: "vmptrld",
  region: REGION,
  epoch,
  image,
});
const clear = (epoch: number): BatchInstruction => ({ kind: "vmclear", region: REGION, epoch });
const write = (encoding: number, value: bigint): BatchInstruction => ({
  kind: "vmwrite",
  fields: new FieldValuesBuilder().add(encoding, value),
});
const kinds = (events: readonly EventFact[]): string[] => events.map(({ kind }) => kind);

describe("batch target", () => {
  test("a batch sent again is not executed again and has the same completion", () => {
    const { target, events } = rig();
    const batch = { id: 2, cpu: 3, operation: 7, instructions: [load(1), write(Field.GUEST_RSP, 5n)] };
    const [first] = target.receive(batch, 0);
    const count = events.length;
    expect(target.receive(batch, 0)).toEqual([first]);
    expect(events).toHaveLength(count);
  });

  test("a batch that arrives before an earlier one waits for it, and both are answered then", () => {
    const { target, events } = rig();
    const count = events.length;
    const second = { id: 3, cpu: 3, operation: 7, instructions: [write(Field.GUEST_RSP, 5n)] };
    expect(target.receive(second, 0)).toEqual([]);
    expect(events).toHaveLength(count);
    const answered = target.receive({ id: 2, cpu: 3, operation: 7, instructions: [load(1)] }, 0);
    expect(answered.map(({ id }) => id)).toEqual([2, 3]);
    expect(kinds(events.slice(count))).toEqual(["vmcs.load", "vmcs.write"]);
  });

  test("a completion is kept until it is acknowledged; after that the batch is a late duplicate and is not answered", () => {
    const { target, run } = rig();
    const { id } = run(load(1));
    expect(target.retained).toBe(2);
    target.acknowledge(id);
    expect(target.retained).toBe(0);
    expect(target.receive({ id, cpu: 3, operation: 7, instructions: [] }, id)).toEqual([]);
  });

  test("VMCLEAR brings back the fields that differ from the image the activation was loaded with", () => {
    const { run } = rig();
    const image = new FieldValuesBuilder().add(Field.GUEST_RSP, 0x1111n).add(Field.GUEST_RIP, 0x2222n);
    const { results } = run(
      load(1, image),
      write(Field.GUEST_RSP, 0x3333_0000_0001n),
      write(Field.GUEST_RIP, 0x2222n),
      clear(1),
    );
    expect(results.at(-1)).toMatchObject({
      status: "succeed",
      launched: false,
      fields: { encodings: [Field.GUEST_RSP], low: [1], high: [0x3333] },
    });
  });

  test("the same clear under another batch returns what was flushed, until the region is loaded again", () => {
    const { run, events } = rig();
    const [, , flushed] = run(load(1), write(Field.GUEST_RSP, 5n), clear(1)).results;
    const count = events.length;
    expect(run(clear(1)).results).toEqual([flushed]);
    expect(events).toHaveLength(count);
    run(load(2));
    expect(run(clear(1)).results).toEqual([{ status: "notMine" }]);
  });

  test("a clear with another epoch than the activation's is not mine, and clears nothing", () => {
    const { run, processor } = rig();
    run(load(4));
    expect(run(clear(3)).results).toEqual([{ status: "notMine" }]);
    expect(processor.isActive(REGION)).toBe(true);
  });

  test("a load without an image of a VMCS that is not active here is not mine and stops the batch", () => {
    const { run, processor } = rig();
    const { results } = run({ kind: "vmptrld", region: REGION, epoch: 1 }, write(Field.GUEST_RSP, 5n));
    expect(results).toEqual([{ status: "notMine" }]);
    expect(processor.currentVmcs).toBe(-1);
  });

  test("a load with an image replaces whatever the region held here", () => {
    const { run } = rig();
    run(load(1), write(Field.GUEST_RSP, 5n), clear(1));
    const { results } = run(load(2, new FieldValuesBuilder().add(Field.GUEST_RIP, 7n)), {
      kind: "vmread",
      encodings: [Field.GUEST_RSP, Field.GUEST_RIP],
    });
    expect(results[1]).toMatchObject({ fields: { low: [0, 7] } });
  });

  test("the first result that is not the expected one stops the batch", () => {
    const { run, events } = rig();
    // A VMCS of zeros fails its control checks: error 7.
    const { results } = run(load(1), { kind: "vmlaunch" }, write(Field.GUEST_RSP, 5n));
    expect(results.map(({ status, error }) => [status, error])).toEqual([
      ["succeed", undefined],
      ["failValid", 7],
    ]);
    expect(events.at(-1)).toMatchObject({ kind: "vm.fail", instruction: "vmlaunch", status: "failValid", error: 7 });
  });

  test("an interrupt in root operation does nothing, and there is nothing to resume", () => {
    const { run } = rig();
    expect(run({ kind: "interrupt" }, { kind: "resumeInterrupted" }).results).toEqual([
      { status: "skipped" },
      { status: "skipped" },
    ]);
  });

  test("events name the operation that caused them", () => {
    const { run, events } = rig();
    run(load(1), clear(1));
    expect(kinds(events)).toEqual(["vmx.on", "vmcs.load", "vmcs.clear"]);
    expect(events.every(({ operation, cpu }) => operation === 7 && cpu === 3)).toBe(true);
    const [, loaded, cleared] = events;
    expect(loaded).toMatchObject({ activated: true, launched: false, epoch: 1 });
    expect(cleared).toMatchObject({ active: true, launched: false, epoch: 1, digest: loaded?.digest });
  });

  test("a new session finds an empty processor outside VMX operation", () => {
    const { target, processor, run, events } = rig();
    run(load(1));
    target.newSession();
    expect(processor.inVmxOperation).toBe(false);
    expect(processor.activeVmcss()).toEqual([]);
    expect(events.at(-1)).toMatchObject({ kind: "vmx.off" });
    expect(
      target.receive({ id: 1, cpu: 3, operation: 1, instructions: [{ kind: "vmxon", region: VMXON }] }, 0)[0]?.results,
    ).toEqual([{ status: "succeed" }]);
  });
});
