import type { HistoryEvent } from "./event.js";

/** What the sequence number of an arriving event says. `late`: it fills a gap that was counted as lost until now. */
export type Arrival = "next" | "gap" | "late" | "duplicate";

export interface SequenceCounts {
  /** Distinct events that arrived. */
  readonly received: number;
  /** Numbers that are missing up to the greatest one known. */
  readonly lost: number;
  /** Arrivals of a number that had arrived. They are to be dropped. */
  readonly duplicates: number;
  /** Arrivals after a greater number. */
  readonly outOfOrder: number;
}

type Sequenced = Pick<HistoryEvent, "host" | "source" | "incarnation" | "seq">;
type Life = Pick<HistoryEvent, "host" | "source" | "incarnation">;

/** Gaps remembered per life of a source. Beyond it the oldest is given up: its numbers stay lost, and if one arrives after all it counts as a duplicate. */
const GAPS_MAX = 64;

/**
 * Checks that every source's events arrive once each, in order. Online, with constant memory per life of a source. A life starts at 1,
 * so what was missed before the first arrival is lost as well.
 */
export class SequenceChecker {
  readonly #lives = new Map<string, LifeSequence>();
  readonly #recent = new Map<string, RecentLife>();

  check(event: Sequenced): Arrival {
    return this.#life(event).check(event.seq);
  }

  /** What is checked begins after `lastSeq`: the numbers up to it are not missed. Call it before any event of this life. */
  begins(life: Life, lastSeq: number): void {
    this.#life(life).begins(lastSeq);
  }

  /** The source states that it published everything up to `lastSeq`: what has not arrived by the end is lost. */
  published(life: Life, lastSeq: number): void {
    this.#life(life).published(lastSeq);
  }

  /** Whether anything of this life arrived, or was stated of it. */
  isKnown({ host, source, incarnation }: Life): boolean {
    return this.#lives.has(`${host}/${source}/${incarnation}`);
  }

  /** Over all sources. */
  counts(): SequenceCounts {
    const total = { received: 0, lost: 0, duplicates: 0, outOfOrder: 0 };
    for (const { counts } of this.#lives.values()) {
      total.received += counts.received;
      total.lost += counts.lost;
      total.duplicates += counts.duplicates;
      total.outOfOrder += counts.outOfOrder;
    }
    return total;
  }

  /** Of one life of a source. */
  countsOf(life: Life): SequenceCounts {
    return this.#life(life).counts;
  }

  #life(life: Life): LifeSequence {
    const recent = this.#recent.get(life.source);
    if (recent?.incarnation === life.incarnation && recent.host === life.host) return recent.sequence;
    const { host, source, incarnation } = life;
    const key = `${host}/${source}/${incarnation}`;
    const sequence = this.#lives.get(key) ?? new LifeSequence();
    this.#lives.set(key, sequence);
    this.#recent.set(source, { host, incarnation, sequence });
    return sequence;
  }
}

/** The life that a source's name last stood for: finds it again without building a key per event. */
interface RecentLife {
  readonly host: string;
  readonly incarnation: number;
  readonly sequence: LifeSequence;
}

class LifeSequence {
  readonly counts = { received: 0, lost: 0, duplicates: 0, outOfOrder: 0 };
  #greatest = 0;
  #gaps: { first: number; last: number }[] = [];

  check(seq: number): Arrival {
    if (seq <= this.#greatest) return this.#checkOld(seq);
    const arrival = seq === this.#greatest + 1 ? "next" : "gap";
    this.#miss(seq - 1);
    this.#greatest = seq;
    this.counts.received++;
    return arrival;
  }

  begins(lastSeq: number): void {
    this.#greatest = lastSeq;
  }

  published(lastSeq: number): void {
    this.#miss(lastSeq);
    this.#greatest = Math.max(this.#greatest, lastSeq);
  }

  /** Everything after the greatest number known, up to `last`, did not arrive yet. */
  #miss(last: number): void {
    const first = this.#greatest + 1;
    if (last < first) return;
    this.counts.lost += last - first + 1;
    this.#gaps.push({ first, last });
    if (this.#gaps.length > GAPS_MAX) this.#gaps.shift();
  }

  #checkOld(seq: number): Arrival {
    const gap = this.#gaps.find(({ first, last }) => first <= seq && seq <= last);
    if (gap === undefined) {
      this.counts.duplicates++;
      return "duplicate";
    }
    const parts = [
      { first: gap.first, last: seq - 1 },
      { first: seq + 1, last: gap.last },
    ];
    this.#gaps = this.#gaps.flatMap((other) =>
      other === gap ? parts.filter(({ first, last }) => first <= last) : [other],
    );
    this.counts.lost--;
    this.counts.received++;
    this.counts.outOfOrder++;
    return "late";
  }
}
