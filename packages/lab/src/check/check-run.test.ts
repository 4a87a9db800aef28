import { appendFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HistoryEvent } from "@vmcslab/history";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CLEAR, MOVE, numbered, positionsOf, writeHistory } from "../../test-support/recorded-run.js";
import { UsageError } from "../errors.js";
import { checkRecordedHistory } from "../run/check-history.js";
import { verdictOf } from "../run/verdict.js";
import { checkRun, type RunCheck } from "./check-run.js";
import { describeSilence, type Recording, readRecording, writeRecording } from "./recording.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vmcslab-check-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const EVENTS = numbered(MOVE);
const TWICE = numbered(MOVE.filter((told) => told !== CLEAR));
const WHOLE: Recording = { positions: positionsOf(EVENTS), silent: [] };

const check = (of = folder, around = 3): Promise<RunCheck> => checkRun(of, { around, listedMax: 20 });

/** The events but those of this source after its `seq`-th. */
const cutAfter = (events: readonly HistoryEvent[], source: string, seq: number): HistoryEvent[] =>
  events.filter((event) => event.source !== source || event.seq <= seq);

describe("the check of a run's folder", () => {
  it.each<[string, readonly HistoryEvent[], Recording, RunCheck["verdict"]]>([
    ["a whole history", EVENTS, WHOLE, "valid"],
    ["a violation", TWICE, { positions: positionsOf(TWICE), silent: [] }, "invalid"],
    // Only what L0 said of itself shows that its last event is missing.
    ["a loss at the end of a source", cutAfter(EVENTS, "l0", 4), WHOLE, "unknown"],
    ["a gap", EVENTS.filter(({ kind }) => kind !== "vmcs.clear"), WHOLE, "unknown"],
    ["a duplicate", [...EVENTS, ...EVENTS.slice(0, 1)], WHOLE, "valid"],
    ["a source that was silent", TWICE, { positions: positionsOf(TWICE).slice(1), silent: ["cpu0"] }, "unknown"],
    [
      "a life that was killed, and another followed",
      EVENTS,
      { ...WHOLE, unended: [{ host: "h", source: "cpu0", incarnation: 0, published: 3 }] },
      "unknown",
    ],
    [
      "a violation that a killed life's events may explain",
      TWICE,
      {
        positions: positionsOf(TWICE),
        silent: [],
        unended: [{ host: "h", source: "cpu0", incarnation: 0, published: 3 }],
      },
      "unknown",
    ],
    [
      "a run that began in the middle of the sources' lives",
      EVENTS.map((event) => ({ ...event, seq: event.seq + 10 })),
      {
        positions: WHOLE.positions.map((position) => ({ ...position, published: position.published + 10 })),
        silent: [],
        beginnings: WHOLE.positions.map((position) => ({ ...position, published: 10 })),
      },
      "valid",
    ],
  ])("says of %s what the run said, with the same counts", async (_, events, recording, verdict) => {
    const directory = writeHistory(folder, events);
    await writeRecording(directory, recording);
    const run = await checkRecordedHistory(directory, recording);
    const again = await check();
    const lost = again.events.lost;
    const ofRun = verdictOf({ violations: run.violationCount, lost, failures: 0, gaps: run.gaps });
    expect({ ofRun, again: again.verdict }).toEqual({ ofRun: verdict, again: verdict });
    const possible = again.violations.filter(({ certain }) => !certain);
    expect(again.possibleCount).toBe(possible.length);
    const explained = possible.map(({ message }) => `missing events may explain it: ${message}`);
    expect([...again.doubts, ...explained]).toEqual([...describeSilence(recording), ...run.gaps]);
    expect(again.violationCount).toBe(run.violationCount);
    const counted = Object.values(run.counts ?? {}).reduce((sum, count) => sum + count, 0);
    expect(again.events.checked).toBe(counted);
  });

  it("counts events per source, duplicates and losses", async () => {
    const events = [...EVENTS, ...EVENTS.slice(0, 2)];
    await writeRecording(writeHistory(folder, events), {
      ...WHOLE,
      positions: positionsOf(EVENTS).map((position) => ({ ...position, published: position.published + 1 })),
    });
    expect(await check()).toMatchObject({
      schema: "vmcslab.check/v1",
      events: { checked: EVENTS.length, lost: 3, duplicates: 2 },
      sources: { l0: 5, cpu0: 4, cpu1: 3 },
    });
  });

  it("compares fences and uses of one clock only if the run said that it is one", async () => {
    const fenced = numbered([
      ...MOVE.slice(0, 6),
      ["l0", { kind: "cpu.fenced", cpu: 0, epoch: 1 }],
      ["l0", { kind: "cpu.lost", cpu: 0, count: 1 }],
      ["cpu0", { kind: "vmcs.write", cpu: 0, region: 0x1000, count: 1 }],
    ]);
    const recording = { positions: positionsOf(fenced), silent: [] };
    const directory = writeHistory(folder, fenced);
    await writeRecording(directory, recording);
    expect((await check()).verdict).toBe("valid");
    await writeRecording(directory, { ...recording, sharedClock: true });
    expect((await check()).violations.map(({ rule }) => rule)).toEqual(["outlives-lease"]);
  });

  it("shows the events that contradict, and those of the VMCS around them", async () => {
    const directory = writeHistory(folder, TWICE);
    await writeRecording(directory, { positions: positionsOf(TWICE), silent: [] });
    const [violation, ...others] = (await check()).violations;
    expect(others).toEqual([]);
    expect(violation).toMatchObject({
      ...{ invariant: 1, rule: "active-twice", vmcs: 1, cpus: [0, 1], certain: true },
      says: "a VMCS is loaded on a CPU while it is active on another",
    });
    const shown = violation?.around.map(({ event, contradicts }) => [event.kind, event.source, contradicts]);
    expect(shown).toEqual([
      ["vmcs.allocated", "l0", false],
      ["vmcs.load", "cpu0", true],
      ["vmcs.load", "cpu1", true],
    ]);
    const [alone] = (await check(folder, 0)).violations;
    expect(alone?.around.map(({ skipped, contradicts }) => [skipped, contradicts])).toEqual([
      [1, true],
      [0, true],
    ]);
  });

  it("takes the folder of the events as well, and a link to the run", async () => {
    const directory = writeHistory(folder, EVENTS);
    await writeRecording(directory, WHOLE);
    const latest = join(folder, "latest");
    symlinkSync(".", latest);
    expect((await check(directory)).verdict).toBe("valid");
    expect((await check(latest)).verdict).toBe("valid");
  });

  it("is unknown where nobody said that the history is complete", async () => {
    writeHistory(folder, EVENTS);
    const { verdict, doubts } = await check();
    expect({ verdict, doubts }).toEqual({
      verdict: "unknown",
      doubts: [
        "no run says that this history is complete (no recording.json beside the events)",
        "the history is not complete",
      ],
    });
  });
});

describe("a folder that cannot be checked", () => {
  const refused = async (message: RegExp): Promise<void> => {
    const thrown = await check().catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(UsageError);
    expect(thrown).toHaveProperty("message", expect.stringMatching(message));
  };

  it("holds no history", () => refused(/: no history of a run here$/));

  it("is a study's, whose runs have one each", async () => {
    writeFileSync(join(folder, "summary.json"), "{}");
    await refused(/: a study has no history of its own; each of its runs has one, in cells\/NAME\/N$/);
  });

  it("has a file that was cut off", async () => {
    appendFileSync(join(writeHistory(folder, EVENTS), "h.l0.1.events"), "\u0005h");
    await refused(/h\.l0\.1\.events ends inside a batch, 2 bytes of it are there: it was cut off/);
  });

  it("has a file of something else", async () => {
    writeFileSync(join(writeHistory(folder, EVENTS), "h.l0.1.events"), "\u0005\n\u007fabc");
    await refused(/h\.l0\.1\.events: no history that this version can read: /);
  });

  it.each([
    ["no JSON", "{"],
    ["of another schema", '{"schema":"x"}'],
    ["with a position that is none", JSON.stringify({ ...WHOLE, positions: [{ published: -1 }] })],
  ])("has a recording.json that is %s", async (_, text) => {
    writeFileSync(join(writeHistory(folder, EVENTS), "recording.json"), text);
    await refused(/recording\.json: not as a run writes it \(.+\); restore it, or remove it/);
  });
});

it("what a run knows of its recording is read as it was written", async () => {
  const recording = { ...WHOLE, silent: ["cpu1"], beginnings: WHOLE.positions, sharedClock: true };
  await writeRecording(folder, recording);
  expect(await readRecording(folder)).toMatchObject(recording);
});
