/** Every defined outcome of the recorded sequences on processors of this process, and where the recording is wrong. */
import { describe, expect, test } from "vitest";
import { type Replay, replay, type Sequence } from "../../packages/lab/src/exec/index.js";
import { inProcessCpu } from "./executors/in-process.js";
import { replayInLanes } from "./executors/lanes.js";
import { RECORDINGS, readSequences, tally } from "./recordings.js";

const EXECUTORS: Readonly<Record<string, (sequences: readonly Sequence[]) => Replay[] | Promise<Replay[]>>> = {
  "the pure core": (sequences) => sequences.map(replay),
  "in process, through the codec": (sequences) =>
    replayInLanes(1, sequences, async ({ model, featureControl }, _lane, number) =>
      inProcessCpu(number, model, featureControl),
    ),
};

describe.each(Object.entries(EXECUTORS))(
  "recorded on Bochs 2.7, %s: every defined outcome agrees",
  (_name, execute) => {
    test.each(Object.entries(RECORDINGS))("%s", async (name, expected) => {
      const sequences = readSequences(name);
      const { disagreements, ...counts } = tally(sequences, await execute(sequences));
      expect(disagreements).toEqual([]);
      expect(counts).toEqual(expected);
    });
  },
);

/** "vmcall: SDM failValid:1, Bochs failValid:19" → "failValid:1". */
const SDM_SAYS = /SDM ([a-zA-Z]+)(?::(\d+))?,/;

describe("where the recording is known to be wrong, the manual is followed", () => {
  test("every first marked operation of a sequence has the outcome that the SDM gives it", () => {
    const wrong: string[] = [];
    let checked = 0;
    for (const sequence of readSequences("directed")) {
      const index = Math.min(...sequence.deviatesAt.keys());
      const match = SDM_SAYS.exec(sequence.deviatesAt.get(index) ?? "");
      if (match === null || Math.min(index, ...sequence.undefinedAt.keys()) < index) continue;
      checked++;
      const unmarked = { ...sequence, deviatesAt: new Map([...sequence.deviatesAt].filter(([at]) => at > index)) };
      const actual = replay(unmarked).disagreements.find((disagreement) => disagreement.index === index)?.actual;
      const number = actual?.error ?? actual?.vector;
      if (actual?.status !== match[1] || (match[2] !== undefined && Number(match[2]) !== number)) {
        wrong.push(`${sequence.id}[${index}] ${match[0]} here ${JSON.stringify(actual)}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(checked).toBeGreaterThan(5);
  });
});
