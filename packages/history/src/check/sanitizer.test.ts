import { describe, expect, it } from "vitest";
import { after, changed, check, number, told, until, without } from "../../test-support/labelled.js";
import { B, LIFE } from "../../test-support/story.js";
import type { HistoryEvent } from "../event.js";
import { checkHistory } from "./check-history.js";
import { Sanitizer } from "./sanitizer.js";

/** The events as numbered, without those that match: lost on the way. */
function losing(events: readonly HistoryEvent[], isLost: (event: HistoryEvent) => boolean): HistoryEvent[] {
  return events.filter((event) => !isLost(event));
}

async function* stream(events: readonly HistoryEvent[]): AsyncGenerator<HistoryEvent> {
  yield* events;
}

const MIGRATED_WITHOUT_CLEAR = without(LIFE, "cpu0 clears B");

describe("the verdict", () => {
  it("is unknown for no events at all", () => {
    expect(check([])).toMatchObject({ verdict: "unknown", doubts: ["there are no events"] });
  });

  it("is unknown for an incomplete history, even a clean one", () => {
    expect(check(number(until(LIFE, "l0 ends place")), false)).toMatchObject({
      verdict: "unknown",
      doubts: ["the history is not complete"],
    });
  });

  it("is invalid for an incomplete history with a certain violation", () => {
    expect(check(number(MIGRATED_WITHOUT_CLEAR), false).verdict).toBe("invalid");
  });

  it("is unknown, never invalid, whichever single event of a valid history is lost", () => {
    const events = number(LIFE);
    for (const lost of events.slice(0, -1)) {
      const report = check(losing(events, (event) => event === lost));
      // The last event of a source leaves no gap behind.
      const isLast = !events.some(({ source, seq }) => source === lost.source && seq > lost.seq);
      if (!isLast)
        expect(report, `without ${lost.source} ${lost.seq} ${lost.kind}`).toMatchObject({
          verdict: "unknown",
          lost: 1,
        });
    }
  });

  it("is unknown when the missing event could be the clear", () => {
    const report = check(losing(number(LIFE), ({ kind, digest }) => kind === "vmcs.clear" && digest === 21));
    // The gap shows only after the load that contradicts.
    expect(report).toMatchObject({ verdict: "unknown", lost: 1 });
    expect(report.violations.map(({ rule, certain }) => [rule, certain])).toContainEqual(["active-twice", false]);
  });

  it("is invalid when what is missing has nothing to do with it", () => {
    const story = [
      ...MIGRATED_WITHOUT_CLEAR,
      told("cpu2", "a", { kind: "vmx.on", cpu: 2 }),
      told("cpu2", "b", { kind: "vmx.off", cpu: 2 }),
    ];
    const report = check(losing(number(story), ({ source, seq }) => source === "cpu2" && seq === 1));
    expect(report).toMatchObject({ verdict: "invalid", lost: 1 });
    expect(report.violations[0]).toMatchObject({ rule: "active-twice", certain: true });
  });

  it("is unknown when a CPU that L0 knows published nothing", () => {
    const story = [...LIFE, told("l0", "registers CPU 2", { kind: "cpu.registered", cpu: 2, epoch: 1 })];
    expect(check(number(story))).toMatchObject({ verdict: "unknown", doubts: ["h/cpu2 published nothing"] });
  });

  it("is unknown when a CPU published nothing in a life in which L0 used it", () => {
    const again = told("l0", "registers CPU 1 again", { kind: "cpu.registered", cpu: 1, epoch: 7 });
    expect(check(number([...LIFE, again]))).toMatchObject({
      verdict: "unknown",
      doubts: ["h/cpu1 published nothing in its life 7, in which L0 used it"],
    });
  });

  it("is unknown without L0, whose word half of the rules need", () => {
    expect(check(number([told("cpu0", "on", { kind: "vmx.on", cpu: 0 })]))).toMatchObject({
      doubts: ["there are no events of L0"],
    });
  });

  it("is unknown when events are not given in order", () => {
    const events = number(LIFE);
    expect(check([...events.slice(1, 2), ...events.slice(0, 1), ...events.slice(2)]).doubts).toContain(
      "1 events are not in the order of the history",
    );
  });

  it("takes nothing as certain that the last words of a killed CPU could explain", () => {
    // Its clear was executed and answered; the event died with it.
    const story = after(
      MIGRATED_WITHOUT_CLEAR,
      "l0 ends place",
      told("l0", "loses CPU 0", { kind: "cpu.lost", cpu: 0 }),
    );
    const report = check(number(until(story, "l0 loses CPU 0")));
    expect(report).toMatchObject({ verdict: "unknown", violations: [{ rule: "active-twice", certain: false }] });
  });

  it("takes it as certain when that CPU had stated where its events end", () => {
    const story = after(
      MIGRATED_WITHOUT_CLEAR,
      "l0 ends place",
      told("l0", "loses CPU 0", { kind: "cpu.lost", cpu: 0 }),
    );
    const events = number(until(story, "l0 loses CPU 0"));
    const sanitizer = new Sanitizer();
    for (const event of events) sanitizer.observe(event);
    sanitizer.published(
      { host: "h", source: "cpu0", incarnation: 1 },
      events.filter(({ source }) => source === "cpu0").length,
    );
    expect(sanitizer.finish({ complete: true }).violations[0]).toMatchObject({ rule: "active-twice", certain: true });
  });
});

describe("the sanitizer", () => {
  it("drops duplicates, and counts them", () => {
    const report = check(number(LIFE).flatMap((event) => [event, event]));
    expect(report).toMatchObject({ verdict: "valid", duplicates: LIFE.length, events: LIFE.length });
  });

  it("counts events by kind, and by the CPU that published them", () => {
    const report = check(number(LIFE));
    const of = (source: string): number => LIFE.filter((told) => told.source === source).length;
    expect(report.perCpu).toEqual({ 0: of("cpu0"), 1: of("cpu1") });
    expect(report.perSource).toEqual({ l0: of("l0"), cpu0: of("cpu0"), cpu1: of("cpu1") });
    expect(report.perKind["ipi.acked"]).toBe(2);
    expect(report.perKind["pool.hit"]).toBe(0);
  });

  it("keeps the first violations in full and counts the rest, without losing the verdict", () => {
    const enters = Array.from({ length: 10 }, (_, i) =>
      told("cpu0", `enters ${i}`, { kind: "vm.entry", cpu: 0, region: B.region, instruction: "vmlaunch" }),
    );
    const sanitizer = new Sanitizer({ storedMax: 3 });
    for (const event of number(after(until(LIFE, "l0 ends enter"), "cpu0 launches B", ...enters)))
      sanitizer.observe(event);
    expect(sanitizer.violationsTotal).toBe(10);
    const report = sanitizer.finish({ complete: true });
    expect(report).toMatchObject({ verdict: "invalid", violationsTotal: 10 });
    expect(report.violations).toHaveLength(3);
  });

  it("keeps hosts apart that have CPUs and VMCSs of the same numbers", () => {
    const [one, two] = ["one", "two"].map((host) => number(LIFE).map((event) => ({ ...event, host })));
    const both = [...(one ?? []), ...(two ?? [])].sort(
      (a, b) => a.lamport - b.lamport || a.source.localeCompare(b.source),
    );
    expect(check(both).violations).toEqual([]);
  });

  it("starts afresh with L0's next life, and lists the operations that the last one left open", () => {
    const second = LIFE.slice(0, 4).map((told) => ({ ...told, incarnation: 2 }));
    const report = check(number([...until(LIFE, "cpu1 loads B"), ...second]));
    expect(report).toMatchObject({
      violations: [],
      indefinite: { total: 1, events: [{ kind: "op.begin", operation: 3 }] },
    });
  });

  it("reads recorded streams, one per source, and merges them", async () => {
    const events = number(changed(LIFE, "cpu1 loads B", { digest: 1 }));
    const streams = ["cpu1", "l0", "cpu0"].map((source) => stream(events.filter((event) => event.source === source)));
    expect(await checkHistory(streams)).toEqual(check(events));
  });

  it("a long history in which nothing accumulates is checked without a doubt", () => {
    const round = LIFE.slice(4);
    const long = [
      ...LIFE.slice(0, 4),
      ...Array.from({ length: 200 }, (_, i) =>
        round.map((told) => ({ ...told, fact: { ...told.fact, operation: told.fact.operation + 10 * i } })),
      ).flat(),
    ];
    expect(check(number(long))).toMatchObject({ verdict: "valid", violationsTotal: 0, events: long.length });
  });
});
