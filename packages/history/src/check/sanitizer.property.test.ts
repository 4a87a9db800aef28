import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { check, type Labelled, number } from "../../test-support/labelled.js";
import { played, type Step } from "../../test-support/reference-host.js";
import { mergeStreams } from "../merge.js";
import type { Rule } from "./rules.js";

const STEP: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom(...(["run", "run", "run", "write", "write", "recreate", "loseCpu", "fenceCpu"] as const)),
  vmcs: fc.nat(3),
  cpu: fc.nat(3),
});
const STORY = fc
  .tuple(
    fc.integer({ min: 2, max: 4 }),
    fc.integer({ min: 1, max: 4 }),
    fc.array(STEP, { minLength: 12, maxLength: 60 }),
  )
  .map(([cpus, vmcss, steps]) => played(cpus, vmcss, steps));

/** A way to break a valid history: from one of the events it applies to, the broken story; undefined when it does not apply there. */
interface Mutation {
  readonly name: string;
  readonly rules: readonly Rule[];
  readonly apply: (story: readonly Labelled[], at: number) => Labelled[] | undefined;
}

const is = (told: Labelled | undefined, kind: string, like?: Labelled): boolean =>
  told?.fact.kind === kind && (like === undefined || told.fact.region === like.fact.region);

/** Index of the next event of this kind about the same region, if nothing frees, loses or loads it in between. */
function nextOf(story: readonly Labelled[], at: number, kind: string): number {
  const ends = new Set(["vmcs.freed", "cpu.lost", "vmcs.load", kind]);
  const next = story.findIndex(
    (told, i) => i > at && ends.has(told.fact.kind) && (is(told, "cpu.lost") || is(told, told.fact.kind, story[at])),
  );
  return is(story[next], kind) ? next : -1;
}

function previousLoad(story: readonly Labelled[], at: number): Labelled | undefined {
  const start = story.findLastIndex((told, i) => i < at && is(told, "vmcs.allocated", story[at]));
  return story.slice(start, at).findLast((told) => is(told, "vmcs.load", story[at]) && told.fact.activated === true);
}

/** The last entry of the life of a CPU that ends with this event. */
function lastEntryOfLife(story: readonly Labelled[], at: number): Labelled | undefined {
  const { cpu, epoch } = story[at]?.fact ?? {};
  return story
    .slice(0, at)
    .findLast((told) => told.fact.cpu === cpu && told.incarnation === epoch && is(told, "vm.entry"));
}

const change = (story: readonly Labelled[], at: number, fact: Partial<Labelled["fact"]>): Labelled[] =>
  story.map((told, i) => (i === at ? { ...told, fact: { ...told.fact, ...fact } } : told));

function shift(story: readonly Labelled[], at: number, behind: number): Labelled[] {
  const event = story[at];
  return event === undefined ? [] : story.toSpliced(behind + 1, 0, event).toSpliced(at, 1);
}

const MUTATIONS: readonly Mutation[] = [
  {
    name: "the clear skipped on migration",
    rules: ["active-twice"],
    apply: (story, at) =>
      is(story[at], "vmcs.clear") && nextOf(story, at, "vmcs.load") > 0 ? story.toSpliced(at, 1) : undefined,
  },
  {
    name: "the load overtakes the clear",
    rules: ["active-twice"],
    apply: (story, at) => {
      const load = nextOf(story, at, "vmcs.load");
      return is(story[at], "vmcs.clear") && load > 0 ? shift(story, at, load) : undefined;
    },
  },
  {
    name: "the other of VMLAUNCH and VMRESUME",
    rules: ["launch-not-clear", "resume-not-launched"],
    apply: (story, at) =>
      is(story[at], "vm.entry")
        ? change(story, at, { instruction: story[at]?.fact.instruction === "vmlaunch" ? "vmresume" : "vmlaunch" })
        : undefined,
  },
  {
    name: "a load that reads stale contents",
    rules: ["stale-load"],
    apply: (story, at) => {
      const previous = story.findLastIndex(
        (told, i) =>
          i < at &&
          (is(told, "vmcs.clear", story[at]) || is(told, "vmcs.freed", story[at]) || is(told, "vmcs.lost", story[at])),
      );
      return is(story[at], "vmcs.load") && story[at]?.fact.activated === true && is(story[previous], "vmcs.clear")
        ? change(story, at, { digest: 0xbad })
        : undefined;
    },
  },
  {
    name: "freed before the clear",
    rules: ["freed-active"],
    apply: (story, at) => {
      const freed = nextOf(story, at, "vmcs.freed");
      return is(story[at], "vmcs.clear") && freed > 0 ? shift(story, at, freed) : undefined;
    },
  },
  {
    name: "freed without a clear",
    rules: ["freed-active"],
    apply: (story, at) =>
      is(story[at], "vmcs.clear") && nextOf(story, at, "vmcs.freed") > 0 ? story.toSpliced(at, 1) : undefined,
  },
  {
    name: "an epoch that was used before",
    rules: ["epoch-not-raised"],
    apply: (story, at) => {
      const epoch =
        is(story[at], "vmcs.load") && story[at]?.fact.activated === true
          ? previousLoad(story, at)?.fact.epoch
          : undefined;
      return epoch === undefined ? undefined : change(story, at, { epoch });
    },
  },
  {
    name: "lost contents that nobody declares lost",
    rules: ["lost-update"],
    apply: (story, at) => {
      const isChanged = story
        .slice(0, at)
        .findLast((told) => told.source !== "l0" && told.fact.region === story[at]?.fact.region);
      const followed = is(isChanged, "vm.exit") || is(isChanged, "vmcs.write");
      return is(story[at], "vmcs.lost") && followed && nextOf(story, at, "vmcs.load") > 0
        ? story.toSpliced(at, 1)
        : undefined;
    },
  },
  {
    name: "a record that names another CPU",
    rules: ["record-cpu"],
    apply: (story, at) => {
      const rest = story.slice(at + 1);
      const end = rest.findIndex((told) => is(told, "op.end") && told.fact.operation === story[at]?.fact.operation);
      const isLast = !rest
        .slice(0, end)
        .some((told) => is(told, "vmcs.record", story[at]) || is(told, "vmcs.freed", story[at]));
      const wrong = { cpu: (story[at]?.fact.cpu ?? 0) + 1, launched: false };
      return is(story[at], "vmcs.record") && end >= 0 && isLast ? change(story, at, wrong) : undefined;
    },
  },
  {
    name: "a CPU that goes on after its lease and its fence",
    rules: ["outlives-lease"],
    apply: (story, at) => {
      const use = lastEntryOfLife(story, at);
      return is(story[at], "cpu.fenced") && use !== undefined ? story.toSpliced(at + 1, 0, use) : undefined;
    },
  },
  {
    name: "a CPU that does not notice that its lease ended",
    rules: ["outlives-lease"],
    apply: (story, at) => {
      const use = lastEntryOfLife(story, at);
      if (!is(story[at], "lease.expired") || use === undefined) return undefined;
      return story.toSpliced(at + 2, 0, use).toSpliced(at, 1);
    },
  },
  {
    name: "an operation without an end",
    rules: ["never-ended"],
    apply: (story, at) => (is(story[at], "op.end") ? story.toSpliced(at, 1) : undefined),
  },
];

describe("any history of a host that follows the rules", () => {
  it("is valid", () => {
    fc.assert(
      fc.property(STORY, (story) => {
        const report = check(number(story), true, { sharedClock: true });
        expect(report.violations).toEqual([]);
        expect(report.verdict).toBe("valid");
      }),
    );
  });

  it("is put back into its order from the streams of its sources", () => {
    fc.assert(
      fc.property(STORY, (story) => {
        const events = number(story);
        const streams = groupBySource(events);
        expect([...mergeStreams(streams)]).toEqual(events);
      }),
    );
  });
});

function groupBySource<T extends { readonly source: string }>(events: readonly T[]): T[][] {
  const sources = [...new Set(events.map(({ source }) => source))];
  return sources.map((source) => events.filter((event) => event.source === source));
}

describe("any history broken in one place is found invalid", () => {
  it.each(MUTATIONS)("$name", ({ rules, apply }) => {
    let applied = 0;
    fc.assert(
      fc.property(STORY, fc.nat(), (story, pick) => {
        const broken = story.map((_, at) => apply(story, at)).filter((mutant) => mutant !== undefined);
        const mutant = broken[pick % Math.max(broken.length, 1)];
        if (mutant === undefined) return;
        applied++;
        const found = check(number(mutant), true, { sharedClock: true }).violations.map(({ rule }) => rule);
        expect(
          found.some((rule) => rules.includes(rule)),
          `one of ${rules.join(", ")} in [${found.join(", ")}]`,
        ).toBe(true);
      }),
      { numRuns: 100 },
    );
    expect(applied).toBeGreaterThan(20);
  });
});
