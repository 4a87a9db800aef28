import { describe, expect, test } from "vitest";
import type { Answer } from "./api.js";
import type { BatchResult, Operation, OutgoingBatch, Steps } from "./effect.js";
import { Executive } from "./executive.js";

type Sent = { readonly batch: OutgoingBatch; readonly done: (result: BatchResult) => void };

function executive(): { readonly sent: Sent[]; readonly it: Executive } {
  const sent: Sent[] = [];
  const send = (batch: OutgoingBatch, done: Sent["done"]): number => sent.push({ batch, done });
  return { sent, it: new Executive({ send, again: send }) };
}

const completed = (cpu: number): BatchResult => ({ ok: true, completion: { id: 1, cpu, results: [] } });
const batchTo = (cpu: number): OutgoingBatch => ({ cpu, operation: 1, instructions: [] });

function* sendTo(...cpus: number[]): Steps<number> {
  const results = yield { kind: "batches", batches: cpus.map(batchTo) };
  return results.length;
}

function* locked(key: string, log: string[], name: string): Operation<string> {
  yield { kind: "lock", key };
  log.push(`${name} in`);
  yield* sendTo(0);
  log.push(`${name} out`);
  return { ok: true, value: name };
}

describe("executive", () => {
  test("sends the batches of one wait at once, in order, before run returns", () => {
    const { it, sent } = executive();
    it.run(
      (function* (): Operation<number> {
        return { ok: true, value: yield* sendTo(2, 0, 1) };
      })(),
      () => undefined,
    );
    expect(sent.map(({ batch }) => batch.cpu)).toEqual([2, 0, 1]);
  });

  test("resumes when the last of them has ended, with the results in the order of the batches", () => {
    const { it, sent } = executive();
    const seen: unknown[] = [];
    it.run(
      (function* (): Operation<void> {
        const results = yield { kind: "batches", batches: [batchTo(0), batchTo(1)] };
        seen.push(...results.map((result) => (result.ok ? result.completion.cpu : -1)));
        return { ok: true, value: undefined };
      })(),
      () => undefined,
    );
    sent[1]?.done(completed(1));
    expect(seen).toEqual([]);
    sent[0]?.done(completed(0));
    expect(seen).toEqual([0, 1]);
  });

  test("goes on without recursion when batches end while they are sent", () => {
    const send = (batch: OutgoingBatch, done: Sent["done"]): void => done(completed(batch.cpu));
    const instant = new Executive({ send, again: send });
    let answer: Answer<number> | undefined;
    instant.run(
      (function* (): Operation<number> {
        let total = 0;
        for (let i = 0; i < 20_000; i++) total += yield* sendTo(0);
        return { ok: true, value: total };
      })(),
      (ended) => {
        answer = ended;
      },
    );
    expect(answer).toEqual({ ok: true, value: 20_000 });
  });

  test("grants a lock to one holder at a time, first come, first served, until the operation ends", () => {
    const { it, sent } = executive();
    const log: string[] = [];
    for (const name of ["a", "b", "c"]) it.run(locked("cpu 0", log, name), () => log.push(`${name} done`));
    expect(log).toEqual(["a in"]);
    sent[0]?.done(completed(0));
    expect(log).toEqual(["a in", "a out", "b in", "a done"]);
    sent[1]?.done(completed(0));
    sent[2]?.done(completed(0));
    expect(log.slice(4)).toEqual(["b out", "c in", "b done", "c out", "c done"]);
    expect(it.inFlight).toBe(0);
  });

  test("operations on different keys interleave", () => {
    const { it } = executive();
    const log: string[] = [];
    it.run(locked("vcpu 0", log, "a"), () => undefined);
    it.run(locked("vcpu 1", log, "b"), () => undefined);
    expect(log).toEqual(["a in", "b in"]);
    expect(it.inFlight).toBe(2);
  });
});
