/** What a search came to. */
import { FAULT_ACTIONS } from "@vmcslab/faults";
import type { Explored, ExploreSetup } from "@vmcslab/lab/explore";
import { type ExploreScope, MARKS, sizeOf } from "@vmcslab/sim";
import { Palette } from "./palette.js";
import { renderTable } from "./table.js";

export interface ExploreDocument {
  readonly schema: "vmcslab.explore/v1";
  readonly seeds: number;
  readonly steps: number;
  /** Of one core: steps by the time that threads were busy with them. */
  readonly stepsPerSecond: number;
  /** Of all histories. */
  readonly digest: string;
  readonly violations: readonly {
    readonly seed: number;
    readonly rule: string;
    readonly message: string;
    /** Only for the first seed of each rule. */
    readonly shrunkTo?: { readonly operations: number; readonly faults: number; readonly cpus: number };
  }[];
  readonly marks: Readonly<Record<string, number>>;
}

export function exploreDocument({ report, busyNs, findings }: Explored, { scope }: ExploreSetup): ExploreDocument {
  const { seeds, steps, digest, violations, marks } = report;
  return {
    schema: "vmcslab.explore/v1",
    seeds,
    steps,
    stepsPerSecond: stepsPerSecond(steps, busyNs),
    digest,
    violations: violations.map((violation) => {
      const finding = findings.find(({ seed }) => seed === violation.seed);
      return { ...violation, ...(finding === undefined ? {} : { shrunkTo: sizeOf(finding.file.plan) }) };
    }),
    marks: allMarks(marks, scope),
  };
}

export function formatExplored({ report, busyNs }: Explored, { mutant, scope }: ExploreSetup, colour: boolean): string {
  const palette = new Palette(colour);
  const { seeds, steps, digest, violations, marks } = report;
  const design = mutant === null ? "true design" : `mutant ${mutant}`;
  const verdict =
    violations.length === 0
      ? palette.verdict("valid")
      : `${palette.verdict("invalid")}, ${violations.length} ${violations.length === 1 ? "seed violates" : "seeds violate"} a rule`;
  const summary = [
    `${design}: ${verdict}`,
    `${seeds} seeds, ${steps} steps, ${stepsPerSecond(steps, busyNs)} steps/s per core, digest ${digest}`,
  ];
  // Where a search ended early, what it did not reach says nothing.
  if (violations.length > 0) return `${summary.join("\n")}\n`;
  return `${summary.join("\n")}\n${formatMarks(allMarks(marks, scope), palette)}`;
}

function formatMarks(marks: Readonly<Record<string, number>>, palette: Palette): string {
  const all = Object.entries(marks);
  const rows = all.filter(([, seeds]) => seeds > 0).map(([mark, seeds]) => [`${mark}${says(mark)}`, `${seeds}`]);
  const never = all.filter(([, seeds]) => seeds === 0).map(([mark]) => mark);
  const missing =
    never.length === 0
      ? "every mark was reached"
      : `NEVER REACHED: ${never.join(", ")}: what depends on these was not explored`;
  return `${renderTable(["mark", "seeds"], rows, palette)}\n${missing}\n`;
}

/** Those that no seed reached too. */
function allMarks(reached: Readonly<Record<string, number>>, { faults }: ExploreScope): Record<string, number> {
  // Faults of an experiment are as they are; drawn ones are of every kind, but for `online`, which is an operation.
  const kinds = Object.keys(FAULT_ACTIONS).filter((kind) => faults === undefined && kind !== "online");
  const expected = [...Object.keys(MARKS), ...kinds.map((kind) => `fault:${kind}`)];
  const others = Object.keys(reached).filter((mark) => !expected.includes(mark));
  return Object.fromEntries([...expected, ...others.sort()].map((mark) => [mark, reached[mark] ?? 0]));
}

function says(mark: string): string {
  const known = Object.entries(MARKS).find(([name]) => name === mark);
  return known === undefined ? "" : `: ${known[1]}`;
}

function stepsPerSecond(steps: number, busyNs: number): number {
  return busyNs === 0 ? 0 : Math.round((steps * 1e9) / busyNs);
}
