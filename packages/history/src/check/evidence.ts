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
  /** Lives that it must have had, because L0 used it in them, by their incarnations. */
  readonly expected: Set<number>;
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

  /** L0 says that this source exists, and in which life it uses it: then that life has an event at least. */
  expect(host: string, name: string, incarnation: number | undefined): void {
    const { expected } = this.#source(host, name);
    if (incarnation !== undefined) expected.add(incarnation);
  }

  isKnown(host: string, name: string): boolean {
    return this.#sources.get(sourceKey(host, name))?.latest !== undefined;
  }

  isWhole(key: string): boolean {
    const source = this.#sources.get(key);
    if (source?.latest === undefined || !source.whole || this.#unheardLives(key, source).length > 0) return false;
    return [...source.abrupt].every((life) => this.#closed.has(life));
  }

  areAllWhole(): boolean {
    return [...this.#sources.keys()].every((key) => this.isWhole(key));
  }

  /** Sources that must exist and of which no event arrived. */
  silent(): string[] {
    return [...this.#sources].filter(([, source]) => source.latest === undefined).map(([key]) => key);
  }

  /** Lives of other sources of which no event arrived: what they did is missing, and no number shows it. */
  unheardLives(): { readonly source: string; readonly incarnation: number }[] {
    return [...this.#sources].flatMap(([key, source]) =>
      source.latest === undefined
        ? []
        : this.#unheardLives(key, source).map((incarnation) => ({ source: key, incarnation })),
    );
  }

  get counts(): SequenceCounts {
    return this.#sequences.counts();
  }

  /** Events that were not given in the order of the history. */
  get misplaced(): number {
    return this.#misplaced;
  }

  #unheardLives(key: string, { expected }: SourceEvidence): number[] {
    const [host = "", source = ""] = key.split("/");
    return [...expected].filter((incarnation) => !this.#sequences.isKnown({ host, source, incarnation }));
  }

  #source(host: string, name: string): SourceEvidence {
    const recent = this.#recent.get(name);
    if (recent?.host === host) return recent.source;
    const key = sourceKey(host, name);
    let source = this.#sources.get(key);
    if (source === undefined) {
      source = { whole: true, latest: undefined, abrupt: new Set(), expected: new Set() };
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
