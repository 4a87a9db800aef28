import type { Fault, FaultVictims, Message } from "@vmcslab/faults";
import type { EventFact } from "@vmcslab/history";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvalidMessage } from "../codec/invalid-message.js";
import { ManualClock } from "../manual-clock.js";
import { OperationRefused } from "../rpc/rpc-error.js";
import { FaultHub, type HeldFault } from "./hub.js";

const SECOND = 1e9;
const HOUR_MS = 3_600_000;

function hubOf({ refusal = () => undefined }: { readonly refusal?: (fault: Fault) => string | undefined } = {}) {
  const clock = new ManualClock();
  const facts: EventFact[] = [];
  /** What is done to the host just now. */
  const done: string[] = [];
  const held: HeldFault[] = [];
  const victims = (fault: HeldFault): FaultVictims => {
    held.push(fault);
    const doing = (what: string) => (): (() => void) => {
      done.push(what);
      return () => void done.splice(done.indexOf(what), 1);
    };
    return {
      ...{ stall: doing("stall"), partition: doing("partition"), crash: doing("crash"), crashL0: doing("crashL0") },
      ...{ stopBus: doing("stopBus"), skew: doing("skew"), refuseAllocation: doing("refuseAllocation") },
      ...{ offline: doing("offline"), online: doing("online") },
    };
  };
  const hub = new FaultHub({ where: "l0", clock, refusal, victims, emit: (fact) => facts.push(fact) });
  const inject = (fault: Fault, seed = "7", isStated = false) => hub.inject({ fault, seed }, isStated);
  return { clock, facts, done, held, hub, inject };
}

const stopBus = (more: Partial<Fault> = {}): Fault => ({ ...more, match: undefined, action: { kind: "stopBus" } });
const dropping = (more: Partial<Fault> = {}): Fault => ({
  ...more,
  match: { probability: 0.5 },
  action: { kind: "dropRequest" },
});

const BATCH: Message = { from: "l0", to: "cpu0", methods: ["batch"] };

describe("a fault that is injected", () => {
  test("ends by its lease, though nobody is there any more who injected it", () => {
    const { clock, facts, done, hub, inject } = hubOf();
    expect(inject(stopBus({ name: "quiet", forNs: 3 * SECOND }))).toEqual({
      ...{ name: "quiet", kind: "stopBus", where: "l0", state: "acting", remainingMs: 3000, strikes: 1 },
      ...{ seed: "7", notes: [] },
    });
    clock.advance(2999);
    expect(done).toEqual(["stopBus"]);
    expect(hub.list()).toMatchObject([{ name: "quiet", state: "acting", remainingMs: 1 }]);
    clock.advance(1);
    expect(done).toEqual([]);
    expect(hub.list()).toEqual([]);
    expect(hub.list(true)).toMatchObject([{ name: "quiet", state: "ended", remainingMs: 0, strikes: 1 }]);
    expect(facts).toEqual([
      { kind: "fault.injected", operation: 0, cause: "quiet", instruction: "stopBus" },
      { kind: "fault.healed", operation: 0, cause: "quiet", instruction: "stopBus", count: 1 },
    ]);
    expect(clock.pending).toBe(0);
  });

  test("is not stated here when whoever injected it states it", () => {
    const { clock, facts, inject } = hubOf();
    inject(stopBus({ forNs: SECOND }), "7", true);
    clock.advance(1000);
    expect(facts).toEqual([]);
  });

  test.each<[Fault, number]>([
    [stopBus(), 1000],
    [{ action: { kind: "partition", cpu: 0 } }, 1000],
    [{ action: { kind: "clockSkew", clock: 0, ppm: 5, offsetNs: 0 } }, HOUR_MS],
    [dropping(), HOUR_MS],
  ])("without a lease has that of its kind, and an hour where there is none: %j", (fault, leaseMs) => {
    const { clock, hub, inject } = hubOf();
    expect(inject(fault).remainingMs).toBe(leaseMs);
    clock.advance(leaseMs - 1);
    expect(hub.list()).toHaveLength(1);
    clock.advance(1);
    expect(hub.list()).toEqual([]);
  });

  test("gets a name and a seed when it has none, and both are told", () => {
    const { hub, inject } = hubOf();
    inject(stopBus({ name: "stopbus-1" }));
    const { name, seed } = inject(stopBus(), "");
    expect(name).toBe("stopbus-2");
    expect(seed).toMatch(/^\d+$/);
    expect(inject(stopBus()).name).toBe("stopbus-3");
    expect(hub.list().map((status) => status.name)).toEqual(["stopbus-1", "stopbus-2", "stopbus-3"]);
  });

  test("waits for its time, and its lease counts from then", () => {
    const { clock, done, hub, inject } = hubOf();
    expect(inject(stopBus({ at: 500e6, forNs: SECOND }))).toMatchObject({
      ...{ state: "waiting", remainingMs: 0, strikes: 0 },
    });
    clock.advance(499);
    expect(done).toEqual([]);
    clock.advance(1);
    expect(hub.list()).toMatchObject([{ state: "acting", remainingMs: 1000 }]);
    clock.advance(1000);
    expect(hub.list()).toEqual([]);
  });

  test("begins at the n-th event of its kind, counted from when it was injected", () => {
    const { clock, done, hub, inject } = hubOf();
    hub.stated("ipi.sent");
    inject(stopBus({ on: { event: "ipi.sent", nth: 2 }, forNs: SECOND }));
    for (const kind of ["ipi.sent", "pool.hit", "ipi.sent"]) hub.stated(kind);
    expect(done).toEqual([]);
    clock.advance(0);
    expect(done).toEqual(["stopBus"]);
    hub.stated("ipi.sent");
    clock.advance(1000);
    hub.stated("ipi.sent");
    clock.advance(0);
    expect(hub.list(true)).toMatchObject([{ state: "ended", strikes: 1 }]);
  });

  test("is refused with the reason of whoever would do it, and nothing is held", () => {
    const { hub, inject } = hubOf({ refusal: ({ action }) => (action.kind === "stall" ? "not here" : undefined) });
    const refused = () => inject({ action: { kind: "stall", cpu: 0 } });
    expect(refused).toThrow(OperationRefused);
    expect(refused).toThrow("not here");
    expect(hub.list(true)).toEqual([]);
  });

  test("at an event that there is not is refused", () => {
    const { inject } = hubOf();
    const refused = () => inject(stopBus({ on: { event: "toString" } }));
    expect(refused).toThrow(InvalidMessage);
    expect(refused).toThrow('there is no event kind "toString"');
  });
});

describe("a fault that is injected again under its name", () => {
  test("gets the lease of now, and does not begin again", () => {
    const { clock, facts, done, inject } = hubOf();
    inject(stopBus({ name: "quiet", forNs: SECOND }));
    clock.advance(900);
    expect(inject(stopBus({ name: "quiet", forNs: 2 * SECOND }))).toMatchObject({ remainingMs: 2000, strikes: 1 });
    clock.advance(1999);
    expect(done).toEqual(["stopBus"]);
    clock.advance(1);
    expect(done).toEqual([]);
    expect(facts).toHaveLength(2);
  });

  test("without a lease gets the one that it began with", () => {
    const { clock, inject } = hubOf();
    inject(stopBus({ name: "quiet", forNs: 4 * SECOND }));
    clock.advance(3000);
    expect(inject(stopBus({ name: "quiet" })).remainingMs).toBe(4000);
  });

  test("while it waits for an event: the lease of the last request counts from when it begins", () => {
    const { clock, hub, inject } = hubOf();
    const waiting = { name: "later", on: { event: "ipi.sent" } };
    inject(stopBus({ ...waiting, forNs: SECOND }));
    clock.advance(5000);
    expect(inject(stopBus({ ...waiting, forNs: 3 * SECOND }))).toMatchObject({ state: "waiting", remainingMs: 0 });
    hub.stated("ipi.sent");
    clock.advance(0);
    expect(hub.list()).toMatchObject([{ state: "acting", remainingMs: 3000 }]);
    clock.advance(2999);
    expect(hub.list()).toHaveLength(1);
    clock.advance(1);
    expect(hub.list()).toEqual([]);
  });

  test("is refused when it is another one, which goes on", () => {
    const { hub, inject } = hubOf();
    inject(stopBus({ name: "quiet", forNs: SECOND }));
    expect(() => inject(dropping({ name: "quiet", forNs: SECOND }))).toThrow(
      'another fault is called "quiet": clear it, or choose another name',
    );
    expect(() => inject(stopBus({ name: "quiet", at: 5, forNs: SECOND }))).toThrow('another fault is called "quiet"');
    expect(hub.list()).toMatchObject([{ name: "quiet", kind: "stopBus", state: "acting" }]);
  });

  test("when the one of that name has ended begins anew", () => {
    const { clock, hub, inject } = hubOf();
    inject(stopBus({ name: "quiet", forNs: SECOND }));
    clock.advance(1000);
    inject(dropping({ name: "quiet", forNs: SECOND }));
    expect(hub.list(true)).toMatchObject([{ name: "quiet", kind: "dropRequest", state: "acting" }]);
  });
});

describe("clearing", () => {
  test("ends those of the names, and says what they came to; again it ends nothing", () => {
    const { clock, done, hub, inject } = hubOf();
    inject(stopBus({ name: "a" }));
    inject(stopBus({ name: "b" }));
    inject({ name: "c", action: { kind: "partition", cpu: 1 } });
    const cleared = hub.clear(["a", "c", "nobody"]);
    expect(cleared).toMatchObject([
      { name: "a", state: "ended", strikes: 1 },
      { name: "c", state: "ended", strikes: 1 },
    ]);
    expect(done).toEqual(["stopBus"]);
    expect(hub.clear(["a", "c", "nobody"])).toEqual([]);
    expect(hub.clear([])).toMatchObject([{ name: "b" }]);
    expect(hub.clear([])).toEqual([]);
    expect([done, clock.pending]).toEqual([[], 0]);
  });

  test("what waits never begins, and nothing waits for it any more", () => {
    const { clock, facts, hub, inject } = hubOf();
    inject(stopBus({ name: "timed", at: 5 * SECOND }));
    inject(stopBus({ name: "on", on: { event: "ipi.sent" } }));
    expect(hub.clear([])).toMatchObject([
      { name: "timed", state: "ended", strikes: 0 },
      { name: "on", state: "ended", strikes: 0 },
    ]);
    expect(clock.pending).toBe(0);
    hub.stated("ipi.sent");
    clock.advance(10_000);
    expect(facts).toEqual([]);
  });

  test("what is found out about a fault when it has ended is told all the same", () => {
    const { held, hub, inject } = hubOf();
    inject({ name: "gone", action: { kind: "offline", cpu: 1 } });
    hub.clear(["gone"]);
    held[0]?.note("CPU 1 cannot be brought online");
    expect(hub.list(true)).toMatchObject([{ name: "gone", notes: ["CPU 1 cannot be brought online"] }]);
  });
});

describe("bounds", () => {
  test("256 faults at a time; one that is renewed is none more", () => {
    const { hub, inject } = hubOf();
    for (let index = 0; index < 256; index++) inject(stopBus({ name: `n${index}` }));
    expect(() => inject(stopBus({ name: "more" }))).toThrow("256 faults are here already: clear some");
    expect(inject(stopBus({ name: "n7" }))).toMatchObject({ name: "n7", state: "acting" });
    expect(hub.clear([])).toHaveLength(256);
    expect(inject(stopBus({ name: "more" }))).toMatchObject({ state: "acting" });
  });

  test("of those that ended the last 256 can be asked about", () => {
    const { hub, inject } = hubOf();
    for (let index = 0; index < 300; index++) {
      inject(stopBus({ name: `n${index}` }));
      hub.clear([]);
    }
    expect(hub.list()).toEqual([]);
    expect(hub.list(true).map(({ name }) => name)).toEqual(Array.from({ length: 256 }, (_, index) => `n${index + 44}`));
  });
});

describe("what strikes messages", () => {
  test("strikes while it acts, and its status counts", () => {
    const { clock, hub, inject } = hubOf();
    inject({ name: "all", forNs: SECOND, match: {}, action: { kind: "dropReply" } });
    expect(hub.messages.isActive).toBe(true);
    for (let message = 0; message < 3; message++)
      expect(hub.messages.decide(BATCH)).toMatchObject([{ kind: "dropReply" }]);
    expect(hub.list()).toMatchObject([{ strikes: 3 }]);
    clock.advance(1000);
    expect([hub.messages.isActive, hub.messages.decide(BATCH)]).toEqual([false, []]);
    expect(hub.list(true)).toMatchObject([{ name: "all", state: "ended", strikes: 3 }]);
  });

  test("the same seed and name strike the same messages, whatever else is injected", () => {
    const struck = (seed: string, others: number): number[] => {
      const { hub, inject } = hubOf();
      for (let other = 0; other < others; other++) inject(dropping({ name: `other-${other}` }), "x");
      inject(dropping({ name: "one" }), seed);
      return Array.from(
        { length: 64 },
        () => hub.messages.decide(BATCH).filter(({ fault }) => fault.name === "one").length,
      );
    };
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.nat({ max: 3 }), (seed, others) => {
        expect(struck(seed, others)).toEqual(struck(seed, 0));
      }),
    );
    expect(struck("1", 0)).not.toEqual(struck("2", 0));
  });

  test("a seed that was drawn strikes the same when it is given", () => {
    const strikes = (seed: string): [string, number[]] => {
      const { hub, inject } = hubOf();
      const status = inject(dropping({ name: "one" }), seed);
      return [status.seed, Array.from({ length: 64 }, () => hub.messages.decide(BATCH).length)];
    };
    const [seed, drawn] = strikes("");
    expect(strikes(seed)).toEqual([seed, drawn]);
  });
});
