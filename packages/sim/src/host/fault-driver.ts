import {
  FAULT_ACTIONS,
  type Fault,
  type FaultKind,
  faultName,
  isMessageFault,
  type MessageFaults,
} from "@vmcslab/faults";
import type { EventFact } from "@vmcslab/history";
import type { Timer } from "@vmcslab/nested";
import type { Scheduler } from "../engine/scheduler.js";

/** What faults are done to, besides messages. Each returns how it ends. */
export interface FaultVictims {
  stall(cpu: number): () => void;
  partition(cpu: number): () => void;
  crash(cpu: number, when: "now" | "beforeFlush" | "afterFlush"): () => void;
  crashL0(): () => void;
  stopBus(): () => void;
  skew(clock: number | "l0", ppm: number, offsetNs: number): () => void;
  refuseAllocation(what: "node" | "page", times: number): () => void;
  offline(cpu: number): () => void;
  online(cpu: number): () => void;
}

export interface FaultDriverOptions {
  readonly faults: readonly Fault[];
  readonly scheduler: Scheduler;
  readonly messages: MessageFaults;
  readonly victims: FaultVictims;
  readonly emit: (fact: EventFact) => void;
  /** Calls back at each event of this kind. */
  readonly onEvent: (kind: string, listener: () => void) => void;
}

/** What became of the faults of one kind. `struck`: messages, or once per fault that is done to the host; known when it has ended. */
export interface FaultTally {
  injected: number;
  healed: number;
  struck: number;
}

interface Acting {
  readonly heal: () => void;
  /** Ends its lease; undefined: it lasts until everything is healed. */
  readonly timer: Timer | undefined;
}

/** Injects the faults of a run when they are due, and ends each when its lease does. */
export class FaultDriver {
  readonly #options: FaultDriverOptions;
  readonly #acting = new Map<Fault, Acting>();
  #over = false;
  injected = 0;
  healed = 0;
  readonly tally: Partial<Record<FaultKind, FaultTally>> = {};

  constructor(options: FaultDriverOptions) {
    this.#options = options;
  }

  /** The workload starts: the times of faults and the events they begin at are counted from now. Call it once. */
  start(): void {
    for (const fault of this.#options.faults) this.#arm(fault);
  }

  /** A fault that nobody planned: at once, unless it says when. */
  add(fault: Fault): void {
    if (fault.at === undefined && fault.on === undefined) this.#inject(fault);
    else this.#arm(fault);
  }

  /** Everything that acts ends now, and nothing begins any more. */
  healAll(): void {
    this.#over = true;
    for (const fault of [...this.#acting.keys()]) this.#heal(fault);
  }

  #arm(fault: Fault): void {
    // Never strikes, so it is as if it were not there.
    if (isMessageFault(fault) && fault.match.probability === 0) return;
    const { on } = fault;
    if (on === undefined) {
      const { scheduler } = this.#options;
      scheduler.at(scheduler.nowNs + (fault.at ?? 0), () => this.#inject(fault));
      return;
    }
    let seen = 0;
    this.#options.onEvent(on.event, () => {
      if (++seen !== (on.nth ?? 1)) return;
      // At the instant, but not in the midst of what stated the event.
      const { scheduler } = this.#options;
      scheduler.at(scheduler.nowNs, () => this.#inject(fault));
    });
  }

  #inject(fault: Fault): void {
    if (this.#over || this.#acting.has(fault)) return;
    const { scheduler } = this.#options;
    this.injected++;
    this.#tallyOf(fault).injected++;
    this.#emit("fault.injected", fault, {});
    const heal = this.#begin(fault);
    const { forNs = FAULT_ACTIONS[fault.action.kind].leaseNs } = fault;
    const timer = forNs === undefined ? undefined : scheduler.at(scheduler.nowNs + forNs, () => this.#heal(fault));
    this.#acting.set(fault, { heal, timer });
  }

  #heal(fault: Fault): void {
    const acting = this.#acting.get(fault);
    if (acting === undefined) return;
    this.#acting.delete(fault);
    acting.timer?.cancel();
    acting.heal();
    this.healed++;
    const count = isMessageFault(fault) ? this.#options.messages.strikes(fault) : 1;
    const tally = this.#tallyOf(fault);
    tally.healed++;
    tally.struck += count;
    this.#emit("fault.healed", fault, { count });
  }

  #tallyOf({ action: { kind } }: Fault): FaultTally {
    const tally = this.tally[kind] ?? { injected: 0, healed: 0, struck: 0 };
    this.tally[kind] = tally;
    return tally;
  }

  #begin(fault: Fault): () => void {
    const { messages, victims } = this.#options;
    if (isMessageFault(fault)) {
      messages.activate(fault);
      return () => {
        messages.deactivate(fault);
      };
    }
    const { action } = fault;
    switch (action.kind) {
      case "stall":
        return victims.stall(action.cpu);
      case "partition":
        return victims.partition(action.cpu);
      case "crash":
        return victims.crash(action.cpu, action.when);
      case "crashL0":
        return victims.crashL0();
      case "stopBus":
        return victims.stopBus();
      case "clockSkew":
        return victims.skew(action.clock, action.ppm, action.offsetNs);
      case "refuseAllocation":
        return victims.refuseAllocation(action.what, action.times);
      case "offline":
        return victims.offline(action.cpu);
      case "online":
        return victims.online(action.cpu);
    }
  }

  #emit(kind: "fault.injected" | "fault.healed", fault: Fault, more: Partial<EventFact>): void {
    const { action } = fault;
    const cpu = "cpu" in action && action.cpu !== undefined ? { cpu: action.cpu } : {};
    this.#options.emit({
      kind,
      operation: 0,
      cause: faultName(fault, this.#options.faults.indexOf(fault)),
      instruction: action.kind,
      ...cpu,
      ...more,
    });
  }
}
