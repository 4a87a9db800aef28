import type { Fault, FaultVictims, Message } from "@vmcslab/faults";
import type { Answer, OperationError } from "@vmcslab/nested";
import { FaultHub, OperationRefused } from "@vmcslab/runtime";
import { ManualClock } from "@vmcslab/runtime/manual-clock";
import { describe, expect, test } from "vitest";
import { RemoteFault, type RemoteFaultOptions } from "./remote-fault.js";

const BATCH: Message = { from: "l0", to: "cpu0", methods: ["batch"] };
const DOWN: OperationError = { code: "cpuUnavailable", definite: false, message: "nobody listens" };

/** Turns in which everything happens that needs no time. */
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 30; turn++) await Promise.resolve();
};

/** An L0 with a real hub, which may die, and then knows nothing. */
class FakeL0 {
  hub: FaultHub | undefined;
  /** What was begun, over all its lives, and how often each fault was given. */
  readonly begun: string[] = [];
  given = 0;
  refusal: string | undefined;
  readonly #clock: ManualClock;
  #life = 0;

  constructor(clock: ManualClock) {
    this.#clock = clock;
    this.start();
  }

  start(): void {
    const life = ++this.#life;
    const doing = (what: string) => (): (() => void) => {
      this.begun.push(what);
      return () => {
        if (life === this.#life) this.begun.push(`${what} ended`);
      };
    };
    const victims: FaultVictims = {
      ...{ stall: doing("stall"), partition: doing("partition"), crash: doing("crash"), crashL0: doing("crashL0") },
      ...{ stopBus: doing("stopBus"), skew: doing("skew"), refuseAllocation: doing("refuseAllocation") },
      ...{ offline: doing("offline"), online: doing("online") },
    };
    this.hub = new FaultHub({
      ...{ where: "l0", clock: this.#clock, emit: () => undefined, victims: () => victims },
      refusal: () => this.refusal,
    });
  }

  /** Whatever it held is forgotten, and what it did is over. */
  die(): void {
    this.#life++;
    this.hub = undefined;
  }

  get client(): RemoteFaultOptions["client"] {
    return {
      inject: (fault, { seed = "", isStated = false } = {}) => {
        this.given++;
        return this.#answer((hub) => hub.inject({ fault, seed }, isStated));
      },
      list: ({ ended = false } = {}) => this.#answer((hub) => hub.list(ended)),
      clear: (names = []) => this.#answer((hub) => hub.clear(names)),
    };
  }

  async #answer<T>(ask: (hub: FaultHub) => T): Promise<Answer<T>> {
    await Promise.resolve();
    if (this.hub === undefined) return { ok: false, error: DOWN };
    try {
      return { ok: true, value: ask(this.hub) };
    } catch (thrown) {
      if (thrown instanceof OperationRefused) return { ok: false, error: thrown.error };
      throw thrown;
    }
  }
}

async function remote(fault: Fault, more: { readonly refusal?: string; readonly isDown?: boolean } = {}) {
  const clock = new ManualClock();
  const l0 = new FakeL0(clock);
  l0.refusal = more.refusal;
  if (more.isDown === true) l0.die();
  const told: string[] = [];
  let isGone = false;
  const given = new RemoteFault("f", {
    ...{ fault, seed: "1", client: l0.client, nowNs: () => clock.monoNs(), isStatedThere: fault.on !== undefined },
    after: (delayMs, callback) =>
      clock.after(delayMs, () => {
        if (!isGone) callback();
      }),
    onActing: () => told.push("acts"),
    onEnded: (strikes) => told.push(`ended, ${strikes} strikes`),
    note: (text) => told.push(text),
  });
  await turns();
  /** We are killed: no timer of ours fires any more. */
  const vanish = (): void => {
    isGone = true;
  };
  return { clock, l0, told, given, vanish, pass: (ms: number) => clock.advanceThrough(ms, turns) };
}

const partition = (more: Partial<Fault> = {}): Fault => ({
  ...more,
  match: undefined,
  action: { kind: "partition", cpu: 1 },
});
const dropping: Fault = { match: {}, action: { kind: "dropReply" } };

describe("a fault that L0 holds for us", () => {
  test("ends there by its lease, and is told", async () => {
    const { l0, told, pass, clock } = await remote(partition({ forNs: 2e9 }));
    expect([l0.begun, told]).toEqual([["partition"], ["acts"]]);
    await pass(2000);
    expect(l0.begun).toEqual(["partition", "partition ended"]);
    await pass(500);
    expect(told).toEqual(["acts", "ended, 1 strikes"]);
    expect([l0.given, clock.pending]).toEqual([1, 0]);
  });

  test("is given to the next L0 for what is left of its lease", async () => {
    const { l0, pass } = await remote(partition({ forNs: 10e9 }));
    await pass(3000);
    l0.die();
    await pass(2000);
    l0.start();
    await pass(500);
    expect(l0.hub?.list()).toMatchObject([{ name: "f", remainingMs: 4500, seed: "1" }]);
    await pass(4500);
    expect(l0.hub?.list()).toEqual([]);
    await pass(10_000);
    expect(l0.begun).toEqual(["partition", "partition", "partition ended"]);
  });

  test("is not given any more when its lease is over before the next L0 is there", async () => {
    const { l0, pass } = await remote(partition({ forNs: 1e9 }));
    l0.die();
    await pass(1500);
    l0.start();
    await pass(5000);
    expect(l0.begun).toEqual(["partition"]);
  });

  test("without a lease has one of five seconds, renewed as long as we are there", async () => {
    const { l0, pass, given, clock } = await remote(partition());
    expect(l0.hub?.list()).toMatchObject([{ remainingMs: 5000 }]);
    await pass(60_000);
    expect(l0.hub?.list()).toMatchObject([{ remainingMs: 5000, strikes: 1 }]);
    expect(l0.begun).toEqual(["partition"]);
    const ending = given.end();
    await turns();
    expect(await ending).toBe(1);
    expect([l0.begun, clock.pending]).toEqual([["partition", "partition ended"], 0]);
  });

  test("ends within five seconds when we are gone", async () => {
    const { l0, pass, clock, vanish } = await remote(partition());
    await pass(7000);
    vanish();
    clock.advance(4999);
    expect(l0.begun).toEqual(["partition"]);
    clock.advance(1);
    expect(l0.begun).toEqual(["partition", "partition ended"]);
  });

  test("that L0 refuses is a note, told once", async () => {
    const { told, pass } = await remote(partition({ forNs: 3e9 }), { refusal: "no CPU 1 has registered with L0" });
    await pass(2000);
    expect(told).toEqual(["fault f was refused: no CPU 1 has registered with L0"]);
  });

  test("is given when L0 is there, if it was down when the fault began", async () => {
    const { l0, told, pass } = await remote(partition({ forNs: 3e9 }), { isDown: true });
    await pass(1200);
    l0.start();
    await pass(300);
    expect([l0.begun, told]).toEqual([["partition"], ["acts"]]);
    expect(l0.hub?.list()).toMatchObject([{ remainingMs: 1500 }]);
  });

  test("is given when L0 is there, also if that remembers an earlier one of its name that has ended", async () => {
    const { l0, pass, ...rest } = await remote(partition({ forNs: 9e9 }), { isDown: true });
    l0.start();
    l0.hub?.inject({ fault: { ...dropping, name: "f" }, seed: "" }, true);
    l0.hub?.messages.decide(BATCH);
    l0.hub?.clear([]);
    await pass(500);
    expect(l0.hub?.list()).toMatchObject([{ name: "f", kind: "partition", state: "acting" }]);
    const ending = rest.given.end();
    await turns();
    expect(await ending).toBe(1);
  });
});

describe("the end of a fault that L0 holds for us", () => {
  test("reports its strikes", async () => {
    const { l0, given } = await remote({ ...dropping, forNs: 60e9 });
    for (let message = 0; message < 4; message++) l0.hub?.messages.decide(BATCH);
    const ending = given.end();
    await turns();
    expect(await ending).toBe(4);
  });

  test("reports them also when its lease was over before", async () => {
    const { l0, given, pass } = await remote({ ...dropping, forNs: 1e9 });
    l0.hub?.messages.decide(BATCH);
    await pass(3000);
    const ending = given.end();
    await turns();
    expect(await ending).toBe(1);
  });

  test("reports what was seen in the lives of every L0 that had it", async () => {
    const { l0, given, pass } = await remote({ ...dropping, forNs: 60e9 });
    for (let message = 0; message < 3; message++) l0.hub?.messages.decide(BATCH);
    await pass(500);
    l0.die();
    await pass(1000);
    l0.start();
    await pass(500);
    for (let message = 0; message < 2; message++) l0.hub?.messages.decide(BATCH);
    const ending = given.end();
    await turns();
    expect(await ending).toBe(5);
  });

  test("of one that L0 cannot be asked about any more reports what was seen", async () => {
    const { l0, given, pass } = await remote({ ...dropping, forNs: 60e9 });
    l0.hub?.messages.decide(BATCH);
    await pass(500);
    l0.die();
    const ending = given.end();
    await turns();
    expect(await ending).toBe(1);
  });
});

describe("a fault that begins at an event at L0", () => {
  const on = { event: "ipi.sent" };

  test("is told when it acts and when it has ended; nothing is given again", async () => {
    const { l0, told, pass } = await remote(partition({ on, forNs: 2e9 }));
    await pass(5000);
    expect([told, l0.given]).toEqual([[], 1]);
    l0.hub?.stated("ipi.sent");
    await pass(500);
    expect(told).toEqual(["acts"]);
    await pass(2000);
    expect(told).toEqual(["acts", "ended, 1 strikes"]);
  });

  test("and has ended before anybody looked has acted all the same", async () => {
    const { l0, told, pass } = await remote(partition({ on, forNs: 100e6 }));
    await pass(600);
    l0.hub?.stated("ipi.sent");
    await pass(1000);
    expect(told).toEqual(["acts", "ended, 1 strikes"]);
  });

  test("just before it is ended has acted all the same", async () => {
    const { l0, told, given, pass } = await remote(partition({ on, forNs: 2e9 }));
    await pass(600);
    l0.hub?.stated("ipi.sent");
    await pass(1);
    const ending = given.end();
    await turns();
    expect([await ending, given.isActing, told]).toEqual([1, true, ["acts"]]);
  });

  test("that never comes has not acted", async () => {
    const { told, given } = await remote(partition({ on, forNs: 2e9 }));
    const ending = given.end();
    await turns();
    expect([await ending, given.isActing, told]).toEqual([0, false, []]);
  });

  test("and kills L0 is not given to the next one: it would die again", async () => {
    const { l0, told, pass } = await remote({ on, forNs: 1e9, action: { kind: "crashL0" } });
    await pass(600);
    l0.hub?.stated("ipi.sent");
    l0.die();
    await pass(700);
    l0.start();
    await pass(5000);
    expect([l0.given, told]).toEqual([1, ["acts", "ended, 1 strikes"]]);
  });
});
