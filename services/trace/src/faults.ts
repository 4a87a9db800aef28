import { type Clock, FaultHub, type Logger, type ReceiveBatch } from "@vmcslab/runtime";

/** What can be done to trace: it takes no events. */
export class TraceFaults {
  readonly hub: FaultHub;
  readonly #onChange: () => void;
  /** Faults that hold it. */
  #holders = 0;
  #released: Promise<void> = Promise.resolve();
  #release: () => void = () => undefined;

  /** Trace is no source of events: what is injected here is in its log. `onChange`: it begins or ends to take none. */
  constructor(clock: Clock, logger: Pick<Logger, "warn">, onChange: () => void) {
    this.#onChange = onChange;
    this.hub = new FaultHub({
      where: "trace",
      clock,
      refusal: ({ action, on }) => {
        if (action.kind !== "stopBus")
          return `${action.kind} has nothing to be done to in trace, which takes stopBus: inject it at L0`;
        return on === undefined ? undefined : "trace states no events: begin at a time";
      },
      victims: () => ({ ...NOT_HERE, stopBus: () => this.#hold() }),
      emit: ({ kind, cause }) => logger.warn({ fault: cause }, kind),
    });
  }

  get isHeld(): boolean {
    return this.#holders > 0;
  }

  /** Takes a batch when nothing holds it: until then its source has no confirmation, and keeps it. */
  receiving(receive: ReceiveBatch): ReceiveBatch {
    return async (batch) => {
      while (this.isHeld) await this.#released;
      await receive(batch);
    };
  }

  /** Nothing holds it any more. */
  end(): void {
    this.hub.clear([]);
  }

  #hold(): () => void {
    if (this.#holders++ === 0) {
      this.#released = new Promise((resolve) => {
        this.#release = resolve;
      });
      this.#onChange();
    }
    return () => {
      if (--this.#holders > 0) return;
      this.#release();
      this.#onChange();
    };
  }
}

function refused(): never {
  throw new Error("a fault was not refused that cannot be injected here");
}

const NOT_HERE = {
  stall: refused,
  partition: refused,
  crash: refused,
  crashL0: refused,
  skew: refused,
  refuseAllocation: refused,
  offline: refused,
  online: refused,
};
