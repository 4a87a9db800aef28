import { CpuLease, type Timer } from "@vmcslab/nested";
import { type Clock, newIncarnation, type RegistrationAnswer } from "@vmcslab/runtime";

/** A beat that was sent and is not answered yet. */
export interface Beat {
  readonly incarnation: number;
  readonly number: number;
  readonly sentNs: number;
}

export interface LifeOptions {
  readonly clock: Clock;
  /** The lease ended before L0 renewed it; this life is over next. */
  readonly onExpired: (incarnation: number) => void;
  /** This life is over: whatever is cached here belongs to nobody. It is still the one that events belong to. */
  readonly onOver: (incarnation: number) => void;
  /** Another has begun. */
  readonly onBegun: (incarnation: number) => void;
  /** For tests: it goes on when its lease has ended. */
  readonly ignoresLease?: boolean;
}

/**
 * The life that this CPU is in, and the lease of L0's that it depends on. When the lease ends before L0 renews it, or L0 says that it counts on this life no
 * more, the next one begins in the same process, with nothing.
 */
export class CpuLife {
  readonly #options: LifeOptions;
  #incarnation: number;
  #lease = new CpuLease();
  /** The life of L0 that granted it. */
  #grantor = 0;
  #leaseMs = 0;
  #timer: Timer | undefined;

  constructor(options: LifeOptions) {
    this.#options = options;
    this.#incarnation = newIncarnation(options.clock);
  }

  get incarnation(): number {
    return this.#incarnation;
  }

  /** As L0 last granted it; 0: it wants no leases, or has not answered yet. */
  get leaseMs(): number {
    return this.#leaseMs;
  }

  /** A beat is sent now. */
  beat(): Beat {
    const sentNs = this.#options.clock.monoNs();
    return { incarnation: this.#incarnation, number: this.#lease.beat(sentNs), sentNs };
  }

  answered(beat: Beat, { session, leaseMs, over, newest = 0 }: RegistrationAnswer): void {
    if (beat.incarnation !== this.#incarnation) return;
    if (over) {
      if (this.#isExpired()) this.#expire(newest);
      else this.#end(newest);
      return;
    }
    this.#leaseMs = leaseMs;
    const number = this.#numberOf(beat, session);
    this.#lease.granted(number, leaseMs * 1e6);
    this.#timer ??= this.#watch();
  }

  /** Whether this CPU may execute for L0 now. Also notices an end of which no timer has told yet, as after a stall: then the next life has begun. */
  holdsLease(): boolean {
    if (this.#isExpired()) {
      this.#expire();
      return false;
    }
    return this.#options.ignoresLease === true || this.#lease.isHeld(this.#options.clock.monoNs());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** There was one, and it has ended. */
  #isExpired(): boolean {
    if (this.#options.ignoresLease === true) return false;
    const { endsNs } = this.#lease;
    return endsNs !== Number.NEGATIVE_INFINITY && !this.#lease.isHeld(this.#options.clock.monoNs());
  }

  /** Another life of L0 owes nothing to what the last one granted, which may have been for ever. */
  #numberOf(beat: Beat, session: number): number {
    if (session === this.#grantor) return beat.number;
    this.#grantor = session;
    this.#lease = new CpuLease();
    return this.#lease.beat(beat.sentNs);
  }

  #watch(): Timer | undefined {
    const { clock } = this.#options;
    const { endsNs } = this.#lease;
    if (!Number.isFinite(endsNs)) return undefined;
    return clock.after(Math.max(0, (endsNs - clock.monoNs()) / 1e6), () => {
      this.#timer = undefined;
      if (this.holdsLease()) this.#timer = this.#watch();
    });
  }

  #expire(newest = 0): void {
    this.#options.onExpired(this.#incarnation);
    this.#end(newest);
  }

  #end(newest: number): void {
    const { clock, onOver, onBegun } = this.#options;
    this.#timer?.cancel();
    this.#timer = undefined;
    onOver(this.#incarnation);
    // Later means greater, also when the wall clock was put back.
    this.#incarnation = Math.max(newIncarnation(clock), this.#incarnation + 1, newest + 1);
    this.#lease = new CpuLease();
    onBegun(this.#incarnation);
  }
}
