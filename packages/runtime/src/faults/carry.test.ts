import type { Decision, MessageAction, MessageFault } from "@vmcslab/faults";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ManualClock } from "../manual-clock.js";
import { carry, type Fate, InOrder } from "./carry.js";

const FAULT: MessageFault = { match: {}, action: { kind: "dropRequest" } };
const UNTOUCHED = carry([]);

const decided = (
  decision: Exclude<MessageAction, { kind: "delay" }> | { kind: "delay"; delayNs: number },
): Decision => ({
  fault: FAULT,
  ...decision,
});

describe("what faults together do to a message", () => {
  test("nothing, when none strikes", () => {
    expect(UNTOUCHED).toEqual({
      ...{ isLost: false, losesReply: false, delayMs: 0, isOvertaken: false, copies: 1, error: undefined },
    });
  });

  test.each<[string, Decision[], Partial<Fate>]>([
    [
      "delays add up",
      [decided({ kind: "delay", delayNs: 1e6 }), decided({ kind: "delay", delayNs: 5e5 })],
      { delayMs: 1.5 },
    ],
    [
      "what is reordered is delayed and overtaken",
      [decided({ kind: "reorder", byNs: 2e6 }), decided({ kind: "delay", delayNs: 1e6 })],
      { delayMs: 3, isOvertaken: true },
    ],
    [
      "copies add up",
      [decided({ kind: "duplicate", copies: 2 }), decided({ kind: "duplicate", copies: 1 })],
      { copies: 4 },
    ],
    [
      "a definite error is not carried",
      [decided({ kind: "error", definite: true })],
      { isLost: true, error: { definite: true } },
    ],
    [
      "one of which nobody knows is",
      [decided({ kind: "error", definite: false })],
      { isLost: false, error: { definite: false } },
    ],
    [
      "the sender is told once, by the first",
      [decided({ kind: "error", definite: false }), decided({ kind: "error", definite: true })],
      { isLost: true, error: { definite: false } },
    ],
    [
      "a lost message is lost, whatever else",
      [decided({ kind: "dropRequest" }), decided({ kind: "duplicate", copies: 3 }), decided({ kind: "dropReply" })],
      { isLost: true, copies: 4, losesReply: true },
    ],
    [
      "a delay ends within what a timer holds",
      [decided({ kind: "delay", delayNs: Number.MAX_SAFE_INTEGER }), decided({ kind: "reorder", byNs: 1e18 })],
      { delayMs: 2_147_483_647, isOvertaken: true },
    ],
  ])("%s", (_what, decisions, fate) => {
    expect(carry(decisions)).toEqual({ ...UNTOUCHED, ...fate });
  });
});

describe("one direction of a link", () => {
  /** What is sent when, with what fate. */
  interface Sent {
    readonly afterMs: number;
    readonly delayMs: number;
    readonly isOvertaken: boolean;
    readonly copies: number;
    readonly isLost: boolean;
  }
  const sent: fc.Arbitrary<Sent> = fc.record({
    ...{ afterMs: fc.nat({ max: 5 }), delayMs: fc.oneof(fc.constant(0), fc.nat({ max: 20 })) },
    ...{ isOvertaken: fc.boolean(), copies: fc.integer({ min: 1, max: 3 }), isLost: fc.boolean() },
  });

  /** Numbers of the messages and when they arrived, in the order of arrival. */
  function arrivals(messages: readonly Sent[]): { readonly number: number; readonly atMs: number }[] {
    const clock = new ManualClock();
    const link = new InOrder(clock);
    const arrived: { number: number; atMs: number }[] = [];
    messages.forEach(({ afterMs, ...fate }, number) => {
      clock.advance(afterMs);
      link.deliver({ ...UNTOUCHED, ...fate }, () => arrived.push({ number, atMs: clock.monoNs() / 1e6 }));
    });
    clock.advance(1000);
    expect(clock.pending).toBe(0);
    return arrived;
  }

  test("what is not overtaken arrives in the order in which it was sent, each when its delay and all before it are over", () => {
    fc.assert(
      fc.property(fc.array(sent, { maxLength: 20 }), (messages) => {
        let nowMs = 0;
        let lastMs = 0;
        const expected = messages.flatMap(({ afterMs, delayMs, isOvertaken, copies, isLost }, number) => {
          nowMs += afterMs;
          if (isLost || isOvertaken) return [];
          lastMs = Math.max(lastMs, nowMs + delayMs);
          return Array.from({ length: copies }, () => ({ number, atMs: lastMs }));
        });
        const inOrder = arrivals(messages).filter(({ number }) => messages[number]?.isOvertaken === false);
        expect(inOrder).toEqual(expected);
      }),
    );
  });

  test("what is overtaken arrives when its own time is over, and holds nothing up", () => {
    fc.assert(
      fc.property(fc.array(sent, { maxLength: 20 }), (messages) => {
        let nowMs = 0;
        const expected = messages.flatMap(({ afterMs, delayMs, isOvertaken, copies, isLost }, number) => {
          nowMs += afterMs;
          const atMs = nowMs + delayMs;
          return isLost || !isOvertaken ? [] : Array.from({ length: copies }, () => ({ number, atMs }));
        });
        const overtaken = arrivals(messages).filter(({ number }) => messages[number]?.isOvertaken === true);
        expect(overtaken.toSorted((a, b) => a.number - b.number)).toEqual(expected);
      }),
    );
  });

  test("copies arrive right behind each other", () => {
    const one = { afterMs: 0, isOvertaken: false, isLost: false };
    const arrived = arrivals([
      { ...one, delayMs: 5, copies: 2 },
      { ...one, delayMs: 0, copies: 3 },
    ]);
    expect(arrived.map(({ number }) => number)).toEqual([0, 0, 1, 1, 1]);
  });

  test("what is sent while held messages arrive comes behind them", () => {
    const clock = new ManualClock();
    const link = new InOrder(clock);
    const arrived: string[] = [];
    link.deliver({ ...UNTOUCHED, delayMs: 5 }, () => {
      arrived.push("first");
      link.pass(() => arrived.push("answer"));
    });
    link.pass(() => arrived.push("second"));
    clock.advance(5);
    expect(arrived).toEqual(["first", "second", "answer"]);
  });

  test("that is closed delivers nothing more and leaves no timer", () => {
    const clock = new ManualClock();
    const link = new InOrder(clock);
    const arrived: string[] = [];
    link.deliver({ ...UNTOUCHED, delayMs: 5 }, () => arrived.push("held"));
    link.deliver({ ...UNTOUCHED, delayMs: 5, isOvertaken: true }, () => arrived.push("overtaken"));
    link.pass(() => arrived.push("behind"));
    link.close();
    expect(clock.pending).toBe(0);
    link.pass(() => arrived.push("later"));
    link.deliver({ ...UNTOUCHED, delayMs: 5 }, () => arrived.push("later still"));
    clock.advance(100);
    expect([arrived, clock.pending]).toEqual([[], 0]);
  });
});
