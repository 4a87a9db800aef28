/** The events around the two that contradict each other, of the same VMCS. */
import { type HistoryEvent, type Violation, VmcsFollower } from "@vmcslab/history";

export interface SurroundingEvent {
  readonly event: HistoryEvent;
  /** It is one of those that contradict. */
  readonly contradicts: boolean;
  /** Events of the same VMCS between the one listed before and this one, which are left out. */
  readonly skipped: number;
}

/**
 * Collects, from a second pass over the history, up to `each` events before and after each event of a violation. Of no VMCS, it is the events about the
 * same page, or of the same operation.
 */
export class Surroundings {
  readonly events: SurroundingEvent[] = [];
  readonly #isAbout: (event: HistoryEvent) => boolean;
  readonly #violation: Violation;
  readonly #each: number;
  /** The latest events that are not listed, `each` at most. */
  #before: HistoryEvent[] = [];
  #skipped = 0;
  #after = 0;

  constructor(violation: Violation, each: number) {
    this.#violation = violation;
    this.#each = each;
    this.#isAbout = subjectOf(violation);
  }

  /** Is shown the whole history, in order. */
  observe(event: HistoryEvent): void {
    const isAbout = this.#isAbout(event);
    if (this.#violation.events.some((other) => isSame(other, event))) this.#contradict(event);
    else if (!isAbout) return;
    else if (this.#after > 0) {
      this.#after--;
      this.#list(event, false);
    } else this.#hold(event);
  }

  #contradict(event: HistoryEvent): void {
    const before = this.#before;
    this.#before = [];
    for (const earlier of before) this.#list(earlier, false);
    this.#list(event, true);
    this.#after = this.#each;
  }

  #hold(event: HistoryEvent): void {
    this.#before.push(event);
    if (this.#before.length <= this.#each) return;
    this.#before.shift();
    this.#skipped++;
  }

  #list(event: HistoryEvent, contradicts: boolean): void {
    this.events.push({ event, contradicts, skipped: this.#skipped });
    this.#skipped = 0;
  }
}

function subjectOf({ vmcs, events }: Violation): (event: HistoryEvent) => boolean {
  if (vmcs !== undefined) {
    const follower = new VmcsFollower(vmcs);
    return (event) => follower.takes(event);
  }
  const { region, operation } = events[0];
  if (region !== undefined) return (event) => event.region === region;
  return (event) => operation !== 0 && event.operation === operation;
}

function isSame(left: HistoryEvent, right: HistoryEvent): boolean {
  return (
    left.seq === right.seq &&
    left.source === right.source &&
    left.incarnation === right.incarnation &&
    left.host === right.host
  );
}
