import { type Evidence, sourceKey } from "./evidence.js";
import { RULES, type Rule } from "./rules.js";
import type { Finding, Violation } from "./violation.js";

type Needs = readonly string[] | "every";

interface Stored {
  readonly rule: Rule;
  readonly finding: Finding;
  readonly needs: Needs;
}

/**
 * The findings of all checkers: the first ones in full, the rest as a number. Whether one is certain is decided at the end, because a loss shows
 * only when the next event of that source arrives, or the source is declared dead.
 */
export class Findings {
  readonly #stored: Stored[] = [];
  /** One per distinct need of evidence, so that the verdict does not depend on how many are stored. */
  readonly #needs = new Map<string, Needs>();
  #total = 0;

  constructor(private readonly storedMax: number) {}

  add(rule: Rule, finding: Finding): void {
    const needs = needsOf(rule, finding);
    this.#total++;
    this.#needs.set(String(needs), needs);
    if (this.#stored.length < this.storedMax) this.#stored.push({ rule, finding, needs });
  }

  get total(): number {
    return this.#total;
  }

  hasCertain(evidence: Evidence): boolean {
    return [...this.#needs.values()].some((needs) => isCertain(needs, evidence));
  }

  violations(evidence: Evidence): Violation[] {
    return this.#stored.map(({ rule, finding, needs }) => ({
      invariant: RULES[rule].invariant,
      rule,
      ...finding,
      certain: isCertain(needs, evidence),
    }));
  }
}

/** Which sources must be whole for this finding to stand. */
function needsOf(rule: Rule, { events, cpus }: Finding): Needs {
  const { needs } = RULES[rule];
  const { host } = events[0];
  if (needs === "nothing") return [];
  if (needs === "every") return "every";
  const sources = ["l0", ...events.map((event) => event.source), ...cpus.map((cpu) => `cpu${cpu}`)];
  return [...new Set(sources)].sort().map((source) => sourceKey(host, source));
}

function isCertain(needs: Needs, evidence: Evidence): boolean {
  return needs === "every" ? evidence.areAllWhole() : needs.every((source) => evidence.isWhole(source));
}
