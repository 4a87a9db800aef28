import type { HistoryEvent } from "../../event.js";
import type { Activity } from "./activity.js";

/** One CPU, as its events imply. */
export class CpuView {
  readonly active = new Map<number, Activity>();
  /** Region of the current VMCS. */
  current: number | undefined;
  /** The event that last changed what is current. */
  currentBy: HistoryEvent | undefined;
  /** All that is active here is known: its events are whole since a point where nothing was. */
  known = false;
  /** Its life ended by itself, and L0 has not said yet that it knows: until then L0's records may name it. */
  endedUnnoticed = false;
  /** The life of the service that counts; events of earlier ones come too late. */
  #incarnation: number | undefined;
  #isOver = false;

  constructor(readonly cpu: number) {}

  /** Published by a life of this CPU that is over, or that a newer one has replaced. */
  isPosthumous(event: HistoryEvent): boolean {
    if (this.#incarnation === undefined) return false;
    return this.#isOver ? event.incarnation <= this.#incarnation : event.incarnation < this.#incarnation;
  }

  /** A first event of a newer life, which L0 did not announce. */
  isNewLife(event: HistoryEvent): boolean {
    return this.#incarnation !== undefined && event.incarnation > this.#incarnation;
  }

  /** L0 announces the life that it knows already: its connection was replaced, its caches were not. It may have ended by itself, and L0 cannot know yet. */
  isSameLife(incarnation: number | undefined): boolean {
    return incarnation !== undefined && incarnation === this.#incarnation && (!this.#isOver || this.endedUnnoticed);
  }

  /** L0 announced a life, or an event of it is seen. */
  lives(incarnation: number | undefined): void {
    if (incarnation !== undefined) this.#incarnation = incarnation;
    this.#isOver = false;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** L0 gave this life up, or it ended by itself: whatever it does from now on comes too late. */
  over(): void {
    this.#isOver = true;
  }

  makeCurrent(region: number | undefined, by: HistoryEvent): void {
    this.current = region;
    this.currentBy = by;
  }
}
