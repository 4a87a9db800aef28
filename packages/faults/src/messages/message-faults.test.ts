import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FaultMatch, HostFault, MessageAction, MessageFault } from "../fault.js";
import { RandomStream } from "../random/random-stream.js";
import type { Message } from "./matcher.js";
import { MessageFaults } from "./message-faults.js";

const DROP: MessageAction = { kind: "dropRequest" };

const batch = (cpu: number, ...instructions: string[]): Message => ({
  from: "l0",
  to: `cpu${cpu}`,
  methods: ["batch", ...instructions],
});
const completion = (cpu: number): Message => ({ from: `cpu${cpu}`, to: "l0", methods: ["completion"] });

const faultOn = (match: FaultMatch, action: MessageAction = DROP): MessageFault => ({ match, action });

/** Which of the messages (by index) a single active fault strikes. */
function struck(fault: MessageFault, messages: readonly Message[], seed = "7"): number[] {
  const faults = new MessageFaults([fault], new RandomStream(seed));
  faults.activate(fault);
  return messages.flatMap((message, index) => (faults.decide(message).length > 0 ? [index] : []));
}

describe("a match", () => {
  const messages = [
    batch(0, "vmclear"),
    completion(0),
    batch(1, "vmptrld", "vmlaunch"),
    completion(1),
    batch(13, "vmclear"),
  ];

  it.each<[FaultMatch, number[]]>([
    [{}, [0, 1, 2, 3, 4]],
    [{ from: "l0" }, [0, 2, 4]],
    [{ from: "cpu" }, [1, 3]],
    [{ to: "cpu1" }, [2]],
    [{ method: "batch" }, [0, 2, 4]],
    [{ method: "vmclear" }, [0, 4]],
    [{ method: "vmlaunch", to: "cpu" }, [2]],
    [{ method: "completion", nth: 2 }, [3]],
    [{ from: "l0", every: 2 }, [2]],
    [{ every: 2, nth: 4 }, [3]],
    [{ every: 2, nth: 3 }, []],
    [{ method: "beat" }, []],
  ])("%j", (match, indices) => {
    expect(struck(faultOn(match), messages)).toEqual(indices);
  });

  it.each<MessageAction>([{ kind: "dropReply" }, { kind: "error", definite: true }])(
    "of what is done to requests passes over replies: %j",
    (action) => {
      expect(struck(faultOn({}, action), messages)).toEqual([0, 2, 4]);
      expect(struck(faultOn({ nth: 2 }, action), messages)).toEqual([2]);
    },
  );
});

describe("a probability", () => {
  const many = Array.from({ length: 20_000 }, () => batch(0));

  it("is the share that is struck, of what nth and every let through", () => {
    expect(struck(faultOn({ probability: 0.1 }), many).length / many.length).toBeCloseTo(0.1, 2);
    const indices = struck(faultOn({ every: 4, probability: 0.5 }), many);
    expect(indices.every((index) => index % 4 === 3)).toBe(true);
    expect(indices.length / 5_000).toBeCloseTo(0.5, 1);
  });

  it("of 0 is no fault: others strike and draw as if it were not in the list, and it never becomes active", () => {
    const action: MessageAction = { kind: "delay", delay: { exponential: { mean: 1e6 } } };
    const other: MessageFault = { name: "other", match: { probability: 0.3 }, action };
    const never: MessageFault = { name: "never", match: { probability: 0 }, action };
    fc.assert(
      fc.property(fc.string(), fc.boolean(), (seed, isFirst) => {
        const alone = new MessageFaults([other], new RandomStream(seed));
        const both = new MessageFaults(isFirst ? [never, other] : [other, never], new RandomStream(seed));
        alone.activate(other);
        expect(both.activate(never)).toBe(false);
        both.activate(other);
        for (const message of many.slice(0, 50)) expect(both.decide(message)).toEqual(alone.decide(message));
        expect(both.strikes(never)).toBe(0);
      }),
    );
  });
});

describe("the faults of a run", () => {
  it("strike in the order in which they became active, each with its own decision", () => {
    const twice = faultOn({ nth: 1 }, { kind: "duplicate", copies: 2 });
    const late = faultOn({}, { kind: "delay", delay: { constant: 5 } });
    const faults = new MessageFaults([twice, late], new RandomStream("1"));
    expect(faults.isActive).toBe(false);
    faults.activate(late);
    faults.activate(twice);
    expect(faults.decide(batch(0))).toEqual([
      { fault: late, kind: "delay", delayNs: 5 },
      { fault: twice, kind: "duplicate", copies: 2 },
    ]);
    expect(faults.decide(batch(0))).toEqual([{ fault: late, kind: "delay", delayNs: 5 }]);
    expect([faults.strikes(twice), faults.strikes(late)]).toEqual([1, 2]);
  });

  it("count from when they became active, and draw on when they become it again", () => {
    const second = faultOn({ nth: 2 });
    const faults = new MessageFaults([second], new RandomStream("1"));
    const strikes = () => faults.decide(batch(0)).length;
    expect(faults.activate(second)).toBe(true);
    expect(faults.activate(second)).toBe(false);
    expect([strikes(), strikes(), strikes()]).toEqual([0, 1, 0]);
    expect([faults.deactivate(second), faults.deactivate(second)]).toEqual([true, false]);
    expect(strikes()).toBe(0);
    faults.activate(second);
    expect([strikes(), strikes()]).toEqual([0, 1]);
    expect(faults.strikes(second)).toBe(2);
  });

  it("that are not about messages are passed over", () => {
    const stall: HostFault = { action: { kind: "stall", cpu: 0 } };
    const faults = new MessageFaults([stall], new RandomStream("1"));
    expect(faults.activate(stall)).toBe(false);
    expect(faults.isActive).toBe(false);
  });

  it("with a name draw the same wherever they stand in the list", () => {
    const named: MessageFault = { name: "n", match: { probability: 0.5 }, action: DROP };
    const draws = (list: readonly MessageFault[]) => {
      const faults = new MessageFaults(list, new RandomStream("1"));
      faults.activate(named);
      return Array.from({ length: 64 }, () => faults.decide(batch(0)).length);
    };
    expect(draws([faultOn({}), named])).toEqual(draws([named]));
  });

  it("cost nothing when none is active: always the same empty list", () => {
    const faults = new MessageFaults([faultOn({})], new RandomStream("1"));
    expect(faults.decide(batch(0))).toBe(faults.decide(completion(1)));
  });
});
