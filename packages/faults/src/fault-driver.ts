import { sampler } from "./distribution/quantile.js";
import {
  ANY_CPU,
  type CrashMoment,
  type Fault,
  type FaultKind,
  faultName,
  type HostAction,
  isMessageFault,
} from "./fault.js";
import type { MessageFaults } from "./messages/message-faults.js";
import type { RandomStream } from "./random/random-stream.js";

/** What faults are done to, besides messages. Each returns how it ends. */
export interface FaultVictims {
  stall(cpu: number, forNs: number | undefined): () => void;
  partition(cpu: number): () => void;
  crash(cpu: number, when: CrashMoment): () => void;
  crashL0(): () => void;
  stopBus(): () => void;
  skew(clock: number | "l0", ppm: number, offsetNs: number): () => void;
  refuseAllocation(what: "node" | "page", times: number): () => void;
  offline(cpu: number): () => void;
  online(cpu: number): () => void;
}

export interface FaultTimer {
  cancel(): void;
}

/** Ends what was begun, and says how often it struck. */
export type Begun = () => number;

/** What `fault.injected` and `fault.healed` say, as history has it. */
export interface FaultFact {
  readonly kind: "fault.injected" | "fault.healed";
  readonly operation: 0;
  /** The fault's name. */
  readonly cause: string;
  readonly instruction: FaultKind;
  readonly cpu?: number;
  /** Of one that ended: how often it struck. */
  readonly count?: number;
}

export interface FaultDriverOptions {
  readonly faults: readonly Fault[];
  /** CPUs of the host, for a fault that strikes any of them. */
  readonly cpus: number;
  /** Does it, for at most so many nanoseconds; `cpu`: the one that was drawn or is named. See {@link strikeWith}. */
  readonly begin: (fault: Fault, cpu: number | undefined, forNs: number | undefined) => Begun;
  /** Runs `callback` once, `delayNs` from now; also for 0 not before this call returns. */
  readonly after: (delayNs: number, callback: () => void) => FaultTimer;
  readonly emit: (fact: FaultFact) => void;
  /** Calls back at each event of this kind. */
  readonly onEvent: (kind: string, listener: () => void) => void;
  /** Calls back when what a fault was done to is whole again; the time until it repeats is counted from then. Default: at once. */
  readonly whenWhole?: (fault: Fault, callback: () => void) => void;
  /** What is left to chance besides messages: which CPU, and when again. */
  readonly random: RandomStream;
}

/** What became of the faults of one kind. `struck`: messages, or once per fault that is done to the host; known when it has ended. */
export interface FaultTally {
  injected: number;
  healed: number;
  struck: number;
}

interface Acting {
  readonly heal: Begun;
  /** The CPU that it is done to. */
  readonly cpu: number | undefined;
  /** Ends its lease; undefined: it lasts until everything is healed. */
  timer: FaultTimer | undefined;
}

/** Injects the faults of a run when they are due, and ends each when its lease does. The simulator and live injection run on the same driver, by their clocks. */
export class FaultDriver {
  readonly #options: FaultDriverOptions;
  readonly #acting = new Map<Fault, Acting>();
  /** How often faults that repeat have begun. */
  readonly #begun = new Map<Fault, number>();
  readonly #streams = new Map<Fault, RandomStream>();
  /** Of those that were renewed. */
  readonly #leases = new Map<Fault, number>();
  #over = false;
  injected = 0;
  healed = 0;
  readonly tally: Partial<Record<FaultKind, FaultTally>> = {};

  constructor(options: FaultDriverOptions) {
    this.#options = options;
  }

  /** Faults that act now. */
  get acting(): number {
    return this.#acting.size;
  }

  /** Every fault has begun as often as it is to, and ended. One without a lease never has; one that waits for an event has not. */
  get isDone(): boolean {
    const { faults } = this.#options;
    return (
      this.#acting.size === 0 && faults.every((fault) => (this.#begun.get(fault) ?? 0) >= (fault.repeat?.times ?? 1))
    );
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

  /** Its lease is this long from now, or from when it begins. False: it does not act. */
  renew(fault: Fault, forNs: number): boolean {
    this.#leases.set(fault, forNs);
    const acting = this.#acting.get(fault);
    if (acting === undefined) return false;
    acting.timer?.cancel();
    acting.timer = this.#options.after(forNs, () => this.#heal(fault));
    return true;
  }

  /** Everything that acts ends now, and nothing begins any more. */
  healAll(): void {
    this.#over = true;
    for (const fault of [...this.#acting.keys()]) this.#heal(fault);
  }

  #arm(fault: Fault): void {
    // Never strikes, so it is as if it were not there.
    if (isMessageFault(fault) && fault.match.probability === 0) return;
    const { after, onEvent } = this.#options;
    const { on } = fault;
    if (on === undefined) {
      after(fault.at ?? 0, () => this.#inject(fault));
      return;
    }
    let seen = 0;
    onEvent(on.event, () => {
      // At the instant, but not in the midst of what stated the event.
      if (++seen === (on.nth ?? 1)) after(0, () => this.#inject(fault));
    });
  }

  #inject(fault: Fault): void {
    if (this.#over || this.#acting.has(fault)) return;
    const { after } = this.#options;
    const cpu = this.#cpuOf(fault);
    this.injected++;
    this.#tallyOf(fault).injected++;
    this.#begun.set(fault, (this.#begun.get(fault) ?? 0) + 1);
    this.#emit("fault.injected", fault, cpu);
    const forNs = this.#leases.get(fault) ?? fault.forNs;
    const heal = this.#options.begin(fault, cpu, forNs);
    const timer = forNs === undefined ? undefined : after(forNs, () => this.#heal(fault));
    this.#acting.set(fault, { heal, cpu, timer });
  }

  #heal(fault: Fault): void {
    const acting = this.#acting.get(fault);
    if (acting === undefined) return;
    this.#acting.delete(fault);
    acting.timer?.cancel();
    const struck = acting.heal();
    this.healed++;
    const tally = this.#tallyOf(fault);
    tally.healed++;
    tally.struck += struck;
    this.#emit("fault.healed", fault, acting.cpu, struck);
    this.#armAgain(fault);
  }

  #armAgain(fault: Fault): void {
    const { repeat } = fault;
    if (this.#over || repeat === undefined || (this.#begun.get(fault) ?? 0) >= repeat.times) return;
    const { after, whenWhole } = this.#options;
    const arm = (): void => {
      after(sampler(repeat.every)(this.#streamOf(fault)), () => this.#inject(fault));
    };
    if (whenWhole === undefined) arm();
    else whenWhole(fault, arm);
  }

  /** Which CPU it is done to; drawn anew each time if it may be any, among those that no other fault is done to just now. */
  #cpuOf(fault: Fault): number | undefined {
    if (!("cpu" in fault.action)) return undefined;
    const { cpu } = fault.action;
    if (cpu !== ANY_CPU) return cpu;
    const taken = new Set([...this.#acting.values()].map((acting) => acting.cpu));
    const all = Array.from({ length: this.#options.cpus }, (_, number) => number);
    const free = all.filter((number) => !taken.has(number));
    const candidates = free.length > 0 ? free : all;
    return candidates[this.#streamOf(fault).below(candidates.length)];
  }

  #streamOf(fault: Fault): RandomStream {
    const { random, faults } = this.#options;
    const stream = this.#streams.get(fault) ?? random.fork(faultName(fault, faults.indexOf(fault)));
    this.#streams.set(fault, stream);
    return stream;
  }

  #tallyOf({ action: { kind } }: Fault): FaultTally {
    const tally = this.tally[kind] ?? { injected: 0, healed: 0, struck: 0 };
    this.tally[kind] = tally;
    return tally;
  }

  #emit(kind: FaultFact["kind"], fault: Fault, cpu: number | undefined, count?: number): void {
    this.#options.emit({
      kind,
      operation: 0,
      cause: faultName(fault, this.#options.faults.indexOf(fault)),
      instruction: fault.action.kind,
      ...(cpu === undefined ? {} : { cpu }),
      ...(count === undefined ? {} : { count }),
    });
  }
}

/** Strikes messages and whatever else faults are done to, in this process. */
export function strikeWith(messages: MessageFaults, victims: FaultVictims): FaultDriverOptions["begin"] {
  return (fault, cpu, forNs) => {
    if (!isMessageFault(fault)) {
      const heal = strike(victims, fault.action, cpu, forNs);
      return () => {
        heal();
        return 1;
      };
    }
    const before = messages.strikes(fault);
    messages.activate(fault);
    return () => {
      messages.deactivate(fault);
      return messages.strikes(fault) - before;
    };
  };
}

function strike(
  victims: FaultVictims,
  action: HostAction,
  drawn: number | undefined,
  forNs: number | undefined,
): () => void {
  const cpu = drawn ?? 0;
  switch (action.kind) {
    case "stall":
      return victims.stall(cpu, forNs);
    case "partition":
      return victims.partition(cpu);
    case "crash":
      return victims.crash(cpu, action.when);
    case "crashL0":
      return victims.crashL0();
    case "stopBus":
      return victims.stopBus();
    case "clockSkew":
      return victims.skew(action.clock, action.ppm, action.offsetNs);
    case "refuseAllocation":
      return victims.refuseAllocation(action.what, action.times);
    case "offline":
      return victims.offline(cpu);
    case "online":
      return victims.online(cpu);
  }
}
