import { type CheckReport, type EventFact, type HistoryEvent, Sanitizer, type SanitizerOptions } from "../src/index.js";

/** An event of a story, under a name that a test can break it by. */
export interface Labelled {
  readonly label: string;
  readonly source: string;
  readonly fact: EventFact;
  /** Which life of the source; 1 when it has only one. */
  readonly incarnation?: number;
}

export type Fact = Omit<EventFact, "operation"> & { readonly operation?: number };

/** `l0` or `cpu0: …` as the source, a unique label, and what it states. */
export function told(source: string, label: string, fact: Fact): Labelled {
  return { label: `${source} ${label}`, source, fact: { operation: 0, ...fact } };
}

/** Numbers a story as its sources would have: each its own sequence, and a logical clock that agrees with the order told. */
export function number(story: readonly Labelled[]): HistoryEvent[] {
  const sequences = new Map<string, number>();
  return story.map(({ source, fact, incarnation = 1 }, index) => {
    const life = `${source}/${incarnation}`;
    const seq = (sequences.get(life) ?? 0) + 1;
    sequences.set(life, seq);
    const lamport = index + 1;
    return { ...fact, host: "h", source, seq, incarnation, lamport, wallUs: lamport, monoNs: lamport };
  });
}

export function check(events: Iterable<HistoryEvent>, complete = true, options: SanitizerOptions = {}): CheckReport {
  const sanitizer = new Sanitizer(options);
  for (const event of events) sanitizer.observe(event);
  return sanitizer.finish({ complete });
}

/** What the sanitizer says of a story: each rule with the labels of the events it names. */
export function findings(
  story: readonly Labelled[],
  complete = true,
  options: SanitizerOptions = { sharedClock: true },
): string[] {
  const events = number(story);
  const keyOf = ({ source, incarnation, seq }: HistoryEvent) => `${source}/${incarnation}/${seq}`;
  const labels = new Map(events.map((event, index) => [keyOf(event), story[index]?.label]));
  return check(events, complete, options).violations.map(
    ({ rule, events }) => `${rule}: ${events.map((event) => labels.get(keyOf(event))).join(" | ")}`,
  );
}

export function without(story: readonly Labelled[], label: string): Labelled[] {
  const index = indexOf(story, label);
  return story.toSpliced(index, 1);
}

export function changed(story: readonly Labelled[], label: string, fact: Partial<EventFact>): Labelled[] {
  return story.map((told) =>
    told === story[indexOf(story, label)] ? { ...told, fact: { ...told.fact, ...fact } } : told,
  );
}

/** Puts events in, right after the one with this label. */
export function after(story: readonly Labelled[], label: string, ...more: Labelled[]): Labelled[] {
  return story.toSpliced(indexOf(story, label) + 1, 0, ...more);
}

/** Moves an event to right after another. */
export function moved(story: readonly Labelled[], label: string, behind: string): Labelled[] {
  const event = story[indexOf(story, label)];
  return event === undefined ? [] : after(without(story, label), behind, event);
}

/** The story up to and including this event. */
export function until(story: readonly Labelled[], label: string): Labelled[] {
  return story.slice(0, indexOf(story, label) + 1);
}

function indexOf(story: readonly Labelled[], label: string): number {
  const matches = story.filter((told) => told.label === label);
  if (matches.length !== 1) throw new Error(`${matches.length} events are labelled "${label}"`);
  return story.findIndex((told) => told.label === label);
}
