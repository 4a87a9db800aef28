import type { HistoryEvent } from "../event.js";
import { compareEvents } from "../order.js";
import { type Arrival, SequenceChecker, type SequenceCounts } from "../sequence.js";

/** What one source has shown of itself. */
interface SourceEvidence {
  /** Nothing is missing, as far as its numbers tell. */
  whole: boolean;
  /** The last event of its latest life. */
  latest: HistoryEvent | undefined;
  /** Lives that ended without a word: what they had not published is missing, unless they stated where they end. */
  readonly abrupt: Set<string>;
}

/** How far the evidence can be relied on: the sequences of all sources, the order, and how the lives of CPUs ended. */
export class Evidence {
  readonly #sequences = new SequenceChecker();
  readonly #sources = new Map<string, SourceEvidence>();
  /** The host that a source's name last stood for: finds it again without building a key per event. */
  readonly #recent = new Map<string, { readonly host: string; readonly source: SourceEvidence }>();
  /** Lives that stated where they end. */
  readonly #closed = new Set<string>();
  #previous: HistoryEvent | undefined;
  #misplaced = 0;

  take(event: HistoryEvent): Arrival {
    const arrival = this.#sequences.check(event);
    if (arrival === "duplicate") return arrival;
    const source = this.#source(event.host, event.source);
    if (arrival !== "next") source.whole = false;
    if (this.#previous !== undefined && compareEvents(event, this.#previous) < 0) this.#misplaced++;
    this.#previous = event;
    source.latest = event;
    // It told its own end: nothing of it is left to tell.
    if (event.kind === "lease.expired") source.abrupt.delete(lifeKey(event));
    return arrival;
  }

  begins(life: Pick<HistoryEvent, "host" | "source" | "incarnation">, lastSeq: number): void {
    this.#sequences.begins(life, lastSeq);
  }

  published(life: Pick<HistoryEvent, "host" | "source" | "incarnation">, lastSeq: number): void {
    this.#sequences.published(life, lastSeq);
    this.#closed.add(lifeKey(life));
    if (this.#sequences.countsOf(life).lost > 0) this.#source(life.host, life.source).whole = false;
  }

  /**
   * The life that this source is in ended abruptly: what it had not yet published went with it, and its numbers cannot show that. Unless it
   * left VMX operation last, as it does when its lease ends: after that nothing matters.
   */
  endedAbruptly(host: string, name: string): void {
    const { latest, abrupt } = this.#source(host, name);
    if (latest !== undefined && latest.kind !== "vmx.off" && latest.kind !== "lease.expired")
      abrupt.add(lifeKey(latest));
  }

  /** L0 says that this source exists. */
  expect(host: string, name: string): void {
    this.#source(host, name);
  }

  isKnown(host: string, name: string): boolean {
    return this.#sources.get(sourceKey(host, name))?.latest !== undefined;
  }

  isWhole(key: string): boolean {
    const source = this.#sources.get(key);
    if (source?.latest === undefined || !source.whole) return false;
    return [...source.abrupt].every((life) => this.#closed.has(life));
  }

  areAllWhole(): boolean {
    return [...this.#sources.keys()].every((key) => this.isWhole(key));
  }

  /** Sources that must exist and of which no event arrived. */
  silent(): string[] {
    return [...this.#sources].filter(([, source]) => source.latest === undefined).map(([key]) => key);
  }

  get counts(): SequenceCounts {
    return this.#sequences.counts();
  }

  /** Events that were not given in the order of the history. */
  get misplaced(): number {
    return this.#misplaced;
  }

  #source(host: string, name: string): SourceEvidence {
    const recent = this.#recent.get(name);
    if (recent?.host === host) return recent.source;
    const key = sourceKey(host, name);
    let source = this.#sources.get(key);
    if (source === undefined) {
      source = { whole: true, latest: undefined, abrupt: new Set() };
      this.#sources.set(key, source);
    }
    this.#recent.set(name, { host, source });
    return source;
  }
}

export function sourceKey(host: string, source: string): string {
  return `${host}/${source}`;
}

function lifeKey({ host, source, incarnation }: Pick<HistoryEvent, "host" | "source" | "incarnation">): string {
  return `${sourceKey(host, source)}/${incarnation}`;
}
