import { type FaultMatch, FaultSet, type MessageAction, MessageFaults, RandomStream } from "@vmcslab/faults";
import { OperationRefused } from "@vmcslab/runtime";
import { ManualClock } from "@vmcslab/runtime/manual-clock";
import { describe, expect, test } from "vitest";
import { throughFaults } from "./beats.js";

/** Turns in which everything happens that needs no time. */
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
};

/** Beats of CPU 1, and what became of each: `granted`, or why not. */
function beating() {
  const clock = new ManualClock();
  const faults = new FaultSet();
  let isCut = false;
  let heard = 0;
  const fates: string[] = [];
  return {
    ...{ clock, fates },
    heard: () => heard,
    cut: (cut: boolean) => {
      isCut = cut;
    },
    strike: (match: FaultMatch, action: MessageAction) => {
      const fault = { name: `${match.method}-${action.kind}`, match, action };
      const messages = new MessageFaults([fault], new RandomStream("1"));
      messages.activate(fault);
      faults.add(messages);
    },
    beat: async () => {
      const answered = throughFaults(1, () => `grant ${++heard}`, { faults, clock, isPartitioned: () => isCut });
      answered.then(
        (grant) => fates.push(grant),
        (error: unknown) => fates.push(error instanceof OperationRefused ? error.error.message : "?"),
      );
      await turns();
    },
    pass: (ms: number) => clock.advanceThrough(ms, turns),
  };
}

const TAKEN = "a fault took the beat or its answer";

describe("a CPU's beat", () => {
  test("without faults is granted at once", async () => {
    const { beat, fates, clock } = beating();
    await beat();
    expect([fates, clock.pending]).toEqual([["grant 1"], 0]);
  });

  test("dropRequest: L0 does not hear it, and its call ends long after the CPU gave it up", async () => {
    const { beat, strike, heard, fates, pass } = beating();
    strike({ method: "beat", nth: 1 }, { kind: "dropRequest" });
    await beat();
    await beat();
    expect([heard(), fates]).toEqual([1, ["grant 1"]]);
    await pass(10_000);
    expect([heard(), fates]).toEqual([1, ["grant 1", TAKEN]]);
  });

  test("dropReply, and a lost grant: L0 hears it, and the CPU gets no lease", async () => {
    const { beat, strike, heard, fates, pass } = beating();
    strike({ method: "beat", nth: 1 }, { kind: "dropReply" });
    strike({ method: "grant", nth: 1 }, { kind: "dropRequest" });
    await beat();
    await beat();
    expect([heard(), fates]).toEqual([2, []]);
    await pass(10_000);
    expect([heard(), fates]).toEqual([2, [TAKEN, TAKEN]]);
  });

  test.each([
    [true, 0],
    [false, 1],
  ])("error, definite %s: the CPU is told, and L0 heard %i beats", async (definite, beats) => {
    const { beat, strike, heard, fates } = beating();
    strike({ method: "beat" }, { kind: "error", definite });
    await beat();
    expect([heard(), fates]).toEqual([beats, ["a fault took the beat"]]);
  });

  test("duplicate: L0 hears it so often more, and answers once", async () => {
    const { beat, strike, heard, fates } = beating();
    strike({ method: "beat" }, { kind: "duplicate", copies: 2 });
    await beat();
    expect([heard(), fates]).toEqual([3, ["grant 3"]]);
  });

  test("delay and reorder: each beat is a call of its own, so that none waits behind another", async () => {
    const { beat, strike, heard, fates, pass } = beating();
    strike({ method: "beat", nth: 1 }, { kind: "delay", delay: { constant: 20e6 } });
    strike({ method: "grant", nth: 1 }, { kind: "reorder", byNs: 5e6 });
    await beat();
    await beat();
    expect([heard(), fates]).toEqual([1, []]);
    await pass(5);
    expect(fates).toEqual(["grant 1"]);
    await pass(15);
    expect([heard(), fates]).toEqual([2, ["grant 1", "grant 2"]]);
  });

  test("of a CPU that is cut off is not heard, and its grant is not either when it is cut off meanwhile", async () => {
    const { beat, strike, cut, heard, fates, pass } = beating();
    cut(true);
    await beat();
    cut(false);
    expect([heard(), fates]).toEqual([0, []]);
    strike({ method: "grant" }, { kind: "delay", delay: { constant: 5e6 } });
    await beat();
    cut(true);
    await pass(5);
    expect([heard(), fates]).toEqual([1, []]);
    await pass(10_000);
    expect([heard(), fates]).toEqual([1, [TAKEN, TAKEN]]);
  });
});
