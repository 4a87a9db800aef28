import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CLEAR_PHASES, ClearFollower, type TimedClear } from "./clear-phases.js";
import type { ClearTiming, HistoryEvent } from "./event.js";

const ENVELOPE = { host: "h", source: "l0", incarnation: 1, seq: 1, lamport: 1, wallUs: 0, operation: 1 } as const;
const CLEAR = { from: 1, to: 0, vmcs: 7, region: 0x1000, epoch: 3 } as const;

function sent(monoNs: number, epoch: number = CLEAR.epoch): HistoryEvent {
  return { ...ENVELOPE, ...CLEAR, kind: "ipi.sent", epoch, monoNs };
}

function acked(monoNs: number, timing?: ClearTiming): HistoryEvent {
  return { ...ENVELOPE, ...CLEAR, kind: "ipi.acked", monoNs, ...(timing === undefined ? {} : { timing }) };
}

function follow(...events: HistoryEvent[]): TimedClear[] {
  const follower = new ClearFollower();
  return events.flatMap((event) => follower.observe(event) ?? []);
}

const TIMING: ClearTiming = {
  handedNs: 110,
  receivedNs: 140,
  waitedNs: 5,
  executedNs: 20,
  flushedNs: 12,
  arrivedNs: 190,
  oneClock: true,
};

describe("the phases of a cross-CPU clear", () => {
  it("are told apart when L0 and the CPU read one clock", () => {
    expect(follow(sent(100), acked(197, TIMING))).toEqual([
      {
        ...{ from: 1, to: 0, decidedNs: 100, appliedNs: 197, oneClock: true },
        phasesNs: { queued: 10, wire: 30, waiting: 5, executing: 8, flush: 12, back: 25, completing: 7 },
      },
    ]);
  });

  it("halve what both ways took when the clocks are two, whatever the CPU's says", () => {
    const [clear] = follow(sent(100), acked(197, { ...TIMING, receivedNs: 9_000_000, oneClock: false }));
    expect(clear?.oneClock).toBe(false);
    expect(clear?.phasesNs).toMatchObject({ wire: 27, back: 28 });
  });

  it.each([105, 170])("do not believe that clocks are one by which it would arrive before it was sent (%i)", (at) => {
    const [clear] = follow(sent(100), acked(197, { ...TIMING, receivedNs: at }));
    expect(clear?.oneClock).toBe(false);
    expect(clear?.phasesNs).toMatchObject({ wire: 27, back: 28 });
  });

  it("begin at the first decision when it is asked for again, and are not known when nobody took the time", () => {
    expect(follow(sent(100), sent(150), acked(197))).toEqual([
      { from: 1, to: 0, decidedNs: 100, appliedNs: 197, oneClock: false },
    ]);
    expect(follow(sent(100, 2), acked(197))).toEqual([]);
  });

  it("add up to the whole, always", () => {
    const ns = fc.nat(1_000_000);
    fc.assert(
      fc.property(fc.tuple(ns, ns, ns, ns, ns, ns, ns), fc.boolean(), ns, (parts, oneClock, offset) => {
        const [queued, wire, waiting, executing, flush, back, completing] = parts;
        const handedNs = 1_000 + queued;
        const executedNs = executing + flush;
        const arrivedNs = handedNs + wire + waiting + executedNs + back;
        const receivedNs = handedNs + wire + (oneClock ? 0 : offset);
        const timing = { handedNs, receivedNs, waitedNs: waiting, executedNs, flushedNs: flush, arrivedNs, oneClock };
        const [clear] = follow(sent(1_000), acked(arrivedNs + completing, timing));
        const phases = clear?.phasesNs;
        expect(CLEAR_PHASES.reduce((sum, phase) => sum + (phases?.[phase] ?? Number.NaN), 0)).toBe(
          arrivedNs + completing - 1_000,
        );
        if (oneClock) expect(phases).toEqual({ queued, wire, waiting, executing, flush, back, completing });
        else expect(Math.abs((phases?.wire ?? 0) - (phases?.back ?? 0))).toBeLessThanOrEqual(1);
      }),
    );
  });
});
