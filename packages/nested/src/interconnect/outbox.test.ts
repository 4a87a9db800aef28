import { describe, expect, test } from "vitest";
import type { BatchResult, OutgoingBatch } from "../effect.js";
import type { Batch, Completion } from "./batch.js";
import { Outbox } from "./outbox.js";

/** Time that passes when it is told to. */
class ManualTimers {
  #nowMs = 0;
  #pending: { readonly atMs: number; readonly callback: () => void }[] = [];

  after(delayMs: number, callback: () => void): { cancel(): void } {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#pending.push(timer);
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((other) => other !== timer);
      },
    };
  }

  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const next = this.#pending.sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#pending.shift();
      this.#nowMs = next.atMs;
      next.callback();
    }
    this.#nowMs = untilMs;
  }

  get pending(): number {
    return this.#pending.length;
  }
}

const BATCH: OutgoingBatch = { cpu: 3, operation: 1, instructions: [{ kind: "vmxoff" }], askedAgain: true };

function rig(resendAfterMs?: number) {
  const timers = new ManualTimers();
  const wire: string[] = [];
  const refused: number[] = [];
  const results: BatchResult[] = [];
  const outbox = new Outbox({
    cpu: 3,
    timers,
    ...(resendAfterMs === undefined ? {} : { resendAfterMs }),
    onRefused: (batch) => refused.push(batch.id),
  });
  const connect = (): void =>
    outbox.connected((batch: Batch, acknowledged) =>
      wire.push(`${batch.id}${batch.instructions.length === 0 ? " empty" : ""} ack ${acknowledged}`),
    );
  const send = (deadlineMs = 1000): number => outbox.send(BATCH, (result) => results.push(result), { deadlineMs });
  const completion = (id: number): Completion => ({ id, cpu: 3, results: [] });
  return { timers, wire, refused, results, outbox, connect, send, completion };
}

describe("an outbox", () => {
  test("sends what is not completed again, at doubling intervals, with how far it acknowledges, until it is completed", () => {
    const { timers, wire, outbox, connect, send, completion } = rig(10);
    connect();
    send();
    send();
    outbox.complete(completion(1));
    timers.advance(10);
    expect(wire).toEqual(["1 ack 0", "2 ack 0"]);
    timers.advance(10);
    expect(wire.slice(2)).toEqual(["2 ack 1"]);
    timers.advance(20);
    expect(wire.slice(3)).toEqual(["2 ack 1"]);
    outbox.complete(completion(2));
    timers.advance(900);
    expect(wire).toHaveLength(4);
    expect(timers.pending).toBe(0);
  });

  test("a new batch takes along what went unanswered, instead of waiting for its turn", () => {
    const { timers, wire, connect, send } = rig(10);
    connect();
    send();
    timers.advance(30);
    expect(wire).toEqual(["1 ack 0", "1 ack 0", "1 ack 0"]);
    send();
    expect(wire.slice(3)).toEqual(["1 ack 0", "2 ack 0"]);
  });

  test("asking again takes along what is missing before it, as a new batch does", () => {
    const { timers, wire, results, outbox, connect, send } = rig(10);
    connect();
    send(15);
    const second = send(15);
    timers.advance(35);
    const before = wire.length;
    outbox.again(second, (result) => results.push(result));
    expect(wire.slice(before)).toEqual(["1 ack 0", "2 ack 0"]);
  });

  test("goes on resending after a deadline, and gives the completion to who asks again", () => {
    const { timers, wire, results, outbox, connect, send, completion } = rig(10);
    connect();
    const id = send(15);
    timers.advance(15);
    expect(results).toMatchObject([{ ok: false, error: { code: "deadline", definite: false } }]);
    timers.advance(100);
    expect(wire.length).toBeGreaterThan(3);
    outbox.complete(completion(id));
    outbox.again(id, (result) => results.push(result));
    expect(results[1]).toEqual({ ok: true, completion: completion(id) });
  });

  test("fills the place of a batch that was never sent with an empty one", () => {
    const { timers, wire, results, connect, send } = rig();
    send(10);
    timers.advance(10);
    expect(results).toMatchObject([{ ok: false, error: { code: "cpuUnavailable", definite: true } }]);
    send();
    connect();
    expect(wire).toEqual(["1 empty ack 0", "2 ack 0"]);
  });

  test("a link that refuses the first copy is definite; one that refuses a later copy says nothing", () => {
    const { timers, wire, results, outbox, connect, send } = rig(10);
    connect();
    outbox.fail(send(), true);
    expect(results).toMatchObject([{ ok: false, error: { code: "cpuUnavailable", definite: true } }]);
    const second = send();
    timers.advance(10);
    expect(wire.slice(2)).toEqual(["1 empty ack 0", "2 ack 0"]);
    outbox.fail(second, true);
    expect(results).toHaveLength(1);
    outbox.fail(second, false);
    expect(results[1]).toMatchObject({ ok: false, error: { code: "deadline", definite: false } });
  });

  test("closed: what was sent ends indefinitely, what comes then is refused, and asking again has the same answer", () => {
    const { refused, results, outbox, connect, send, completion } = rig();
    connect();
    const id = send();
    const error = { code: "cpuUnavailable", definite: false, message: "lost" } as const;
    outbox.close(error);
    expect(results).toEqual([{ ok: false, error }]);
    outbox.complete(completion(id));
    outbox.complete(completion(id));
    expect(refused).toEqual([id]);
    outbox.again(id, (result) => results.push(result));
    expect(results[1]).toEqual({ ok: false, error });
    expect(send()).toBe(0);
    expect(results[2]).toEqual({ ok: false, error: { ...error, definite: true } });
  });
});
