import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { number } from "../test-support/labelled.js";
import { LIFE } from "../test-support/story.js";
import { HistoryDigest } from "./digest.js";
import type { HistoryEvent } from "./event.js";

const EVENTS = number(LIFE);

function digest(events: Iterable<HistoryEvent>, clocks = true): string {
  const digest = new HistoryDigest({ clocks });
  for (const event of events) digest.add(event);
  return digest.toString();
}

describe("the digest of a history", () => {
  it("is sixteen hexadecimal digits that stay the same from release to release", () => {
    expect(digest(EVENTS.slice(0, 3))).toMatchInlineSnapshot(`"712d0c1b49bc85c3"`);
    expect(digest([])).toMatchInlineSnapshot(`"2bfb31335e095f6c"`);
  });

  it("does not depend on the order of arrival", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(EVENTS, { minLength: EVENTS.length }), (shuffled) => {
        expect(digest(shuffled)).toBe(digest(EVENTS));
      }),
    );
  });

  it("changes with every event that is missing or there twice", () => {
    const all = digest(EVENTS);
    EVENTS.forEach((event, i) => {
      expect(digest(EVENTS.toSpliced(i, 1))).not.toBe(all);
      expect(digest([...EVENTS, event])).not.toBe(all);
    });
  });

  it("changes with every member of an event", () => {
    const [event] = EVENTS;
    if (event === undefined) throw new Error("the story has events");
    const variants: Partial<HistoryEvent>[] = [
      ...[
        { cpu: 1 },
        { vcpu: 1 },
        { cpu: 2 ** 40 },
        { vmptr: 1 },
        { launched: true },
        { launched: false },
        { activated: true },
      ],
      ...[
        { order: [] },
        { order: [1, 2] },
        { order: [2, 1] },
        { instruction: "ab" },
        { instruction: "ba" },
        { status: "ab" },
      ],
      ...[
        { seq: 9 },
        { lamport: 9 },
        { wallUs: 9 },
        { monoNs: 9 },
        { incarnation: 9 },
        { source: "l1" },
        { host: "g" },
        { kind: "vmx.off" as const },
      ],
    ];
    const digests = variants.map((variant) => digest([{ ...event, ...variant }]));
    expect(new Set([digest([event]), ...digests]).size).toBe(variants.length + 1);
  });

  it("leaves times out when asked to, and only times", () => {
    const later = EVENTS.map((event) => ({ ...event, wallUs: event.wallUs + 5, monoNs: event.monoNs + 5 }));
    expect(digest(later, false)).toBe(digest(EVENTS, false));
    expect(digest(later)).not.toBe(digest(EVENTS));
    expect(
      digest(
        EVENTS.map((event) => ({ ...event, lamport: event.lamport + 1 })),
        false,
      ),
    ).not.toBe(digest(EVENTS, false));
  });
});
