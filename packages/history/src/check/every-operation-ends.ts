import type { HistoryEvent } from "../event.js";
import type { Checker } from "./checker.js";
import { OpenOperations } from "./open-operations.js";
import type { Rule } from "./rules.js";
import { contradiction, type Report } from "./violation.js";

/** Invariant 8: every operation ends: in success, or in a clear error. An indefinite end is allowed, and listed. */
export class EveryOperationEnds implements Checker {
  readonly kinds = ["op.begin", "op.end"] as const;
  /** Ends that left open whether the operation took effect, the first of them. */
  readonly indefinite: HistoryEvent[] = [];
  indefiniteTotal = 0;
  readonly #operations = new OpenOperations();
  /** L0's events are whole since its first: an end without a begin is a contradiction, not the end of something older. */
  #whole = true;

  constructor(
    private readonly report: Report,
    private readonly indefiniteMax: number,
  ) {}

  observe(event: HistoryEvent): void {
    if (event.operation === 0) return;
    const open = this.#operations.get(event.operation);
    if (event.kind === "op.begin") {
      if (open !== undefined) this.#find("begun-twice", "begins while it is open", open, event);
      this.#operations.begin(event);
      return;
    }
    if (open === undefined && this.#whole) this.#find("ended-unbegun", "ends and is not open", undefined, event);
    this.#operations.end(event);
    if (event.definite === false) this.#list(event);
  }

  finish(complete: boolean): void {
    if (!complete) return;
    for (const begin of this.#operations.values()) this.#find("never-ended", "did not end", undefined, begin);
  }

  /** L0's next life knows nothing of the operations of this one: whether they took effect nobody can say. */
  forgetL0(): void {
    for (const begin of this.#operations.values()) this.#list(begin);
    this.#operations.clear();
    this.#whole = false;
  }

  #list(event: HistoryEvent): void {
    this.indefiniteTotal++;
    if (this.indefinite.length < this.indefiniteMax) this.indefinite.push(event);
  }

  #find(rule: Rule, what: string, earlier: HistoryEvent | undefined, event: HistoryEvent): void {
    const of = event.vcpu === undefined ? "" : ` of vcpu ${event.vcpu}`;
    this.report(rule, {
      message: `operation ${event.operation} (${event.instruction ?? "unnamed"}${of}) ${what}`,
      cpus: [],
      events: contradiction(earlier, event),
    });
  }
}
