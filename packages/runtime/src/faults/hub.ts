import {
  FAULT_ACTIONS,
  type Fault,
  FaultDriver,
  type FaultKind,
  FaultSet,
  type FaultVictims,
  isMessageFault,
  MessageFaults,
  RandomStream,
  strikeWith,
} from "@vmcslab/faults";
import { EVENT_KINDS, type EventFact } from "@vmcslab/history";
import { type Clock, randomBits32 } from "../clock.js";
import type { FaultOrder, FaultStatus } from "../codec/fault.js";
import { InvalidMessage } from "../codec/invalid-message.js";
import { LIMITS, shown } from "../limits.js";
import { OperationRefused } from "../rpc/rpc-error.js";

/** One that nobody gave a lease, and that has none by its kind, ends after this: whoever injected it may be gone. */
const LEASE_NS_MAX = 3_600_000_000_000;
const ENDED_MAX = LIMITS.endedFaults.max;
const FAULTS_MAX = LIMITS.faults.max;

export interface FaultHubOptions {
  /** `l0`, or `cpu3`. */
  readonly where: string;
  readonly clock: Clock;
  /** Why this service cannot inject a fault, and what to do instead; undefined: it can. */
  readonly refusal: (fault: Fault) => string | undefined;
  /** What a fault of this name is done to. */
  readonly victims: (fault: HeldFault) => FaultVictims;
  readonly emit: (fact: EventFact) => void;
}

/** A fault as whatever it is done to sees it. */
export interface HeldFault {
  readonly name: string;
  /** How long it lasts, from when it began or was last renewed. */
  readonly leaseNs: number;
  /** Says what there is to know about it: a victim that vanished. Also when it has ended. */
  note(text: string): void;
  /** Calls back whenever its lease is renewed while it acts. */
  onRenewed(listener: () => void): void;
}

interface Held {
  readonly name: string;
  readonly order: Fault;
  readonly fault: Fault;
  readonly seed: string;
  readonly driver: FaultDriver;
  readonly messages: MessageFaults;
  readonly notes: string[];
  /** Forget the events and times that it waits for. */
  readonly forget: Set<() => void>;
  readonly renewed: (() => void)[];
  leaseNs: number;
  endsNs: number;
}

/** The faults that are injected into one service. Each ends by its lease, with a timer of this service: what became of whoever injected it does not matter. */
export class FaultHub {
  /** What strikes messages, for whoever carries them. */
  readonly messages = new FaultSet();
  readonly #options: FaultHubOptions;
  readonly #held = new Map<string, Held>();
  readonly #ended = new Map<string, FaultStatus>();
  readonly #listeners = new Map<string, Set<() => void>>();
  #count = 0;

  constructor(options: FaultHubOptions) {
    this.#options = options;
  }

  /** This service states an event: a fault may begin at it. */
  stated(kind: string): void {
    if (this.#listeners.size === 0) return;
    const listeners = this.#listeners.get(kind);
    if (listeners !== undefined) for (const listener of [...listeners]) listener();
  }

  /** Holds a fault from now on. Throws InvalidMessage for one that is none, and OperationRefused for one that cannot be injected here. */
  inject({ fault, seed }: FaultOrder, isStated: boolean): FaultStatus {
    this.check({ fault, seed });
    const known = fault.name === undefined ? undefined : this.#held.get(fault.name);
    if (known !== undefined) return this.#renew(known, fault);
    if (this.#held.size >= FAULTS_MAX) throw refused(`${this.#held.size} faults are here already: clear some`);
    const held = this.#hold(fault, seed === "" ? `${randomBits32()}` : seed, isStated);
    held.driver.add(held.fault);
    return this.#statusOf(held);
  }

  /** Throws as `inject` does for a fault that cannot be injected here. */
  check({ fault }: FaultOrder): void {
    const refusal = this.#options.refusal(fault);
    if (refusal !== undefined) throw refused(refusal);
    if (fault.on !== undefined && !Object.hasOwn(EVENT_KINDS, fault.on.event))
      throw new InvalidMessage(`there is no event kind "${shown(fault.on.event)}"`);
  }

  /** Those that wait or act; `ended`: and the last that have ended. */
  list(ended = false): FaultStatus[] {
    const held = [...this.#held.values()].map((one) => this.#statusOf(one));
    return ended ? [...this.#ended.values(), ...held].map(asNow) : held;
  }

  /** Ends the faults of these names, or all. What is not here has ended. */
  clear(names: readonly string[]): FaultStatus[] {
    const ending = [...this.#held.values()].filter(({ name }) => names.length === 0 || names.includes(name));
    for (const held of ending) this.#end(held);
    return ending.flatMap(({ name }) => this.#ended.get(name) ?? []).map(asNow);
  }

  #hold(order: Fault, seed: string, isStated: boolean): Held {
    const { clock, emit, victims } = this.#options;
    const name = order.name ?? this.#nameFor(order.action.kind);
    const { forNs = FAULT_ACTIONS[order.action.kind].leaseNs ?? LEASE_NS_MAX } = order;
    const fault: Fault = { ...order, name, forNs };
    const random = new RandomStream(seed);
    const messages = new MessageFaults([fault], random);
    const notes: string[] = [];
    const forget = new Set<() => void>();
    const renewed: (() => void)[] = [];
    const view: HeldFault = {
      name,
      get leaseNs() {
        return held.leaseNs;
      },
      note: (text) => {
        if (!notes.includes(text)) notes.push(text);
      },
      onRenewed: (listener) => void renewed.push(listener),
    };
    const driver = new FaultDriver({
      faults: [fault],
      cpus: 0,
      random,
      begin: strikeWith(messages, victims(view)),
      after: (delayNs, callback) => {
        const timer = clock.after(delayNs / 1e6, () => {
          forget.delete(cancel);
          callback();
        });
        const cancel = (): void => {
          forget.delete(cancel);
          timer.cancel();
        };
        forget.add(cancel);
        return { cancel };
      },
      onEvent: (kind, listener) => void forget.add(this.#listen(kind, listener)),
      emit: (fact) => {
        if (!isStated) emit(fact);
        if (fact.kind === "fault.injected") held.endsNs = clock.monoNs() + held.leaseNs;
        else this.#forget(held);
      },
    });
    const held: Held = {
      ...{ name, order, fault, seed, driver, messages, notes, forget, renewed },
      ...{ leaseNs: forNs, endsNs: 0 },
    };
    this.#held.set(name, held);
    this.#ended.delete(name);
    if (isMessageFault(fault)) this.messages.add(messages);
    return held;
  }

  #renew(held: Held, fault: Fault): FaultStatus {
    if (JSON.stringify(withoutLease(held.order)) !== JSON.stringify(withoutLease(fault)))
      throw refused(`another fault is called "${held.name}": clear it, or choose another name`);
    held.leaseNs = fault.forNs ?? held.fault.forNs ?? LEASE_NS_MAX;
    if (held.driver.renew(held.fault, held.leaseNs)) {
      held.endsNs = this.#options.clock.monoNs() + held.leaseNs;
      for (const tell of held.renewed) tell();
    }
    return this.#statusOf(held);
  }

  /** It acts no more, or never will. */
  #end(held: Held): void {
    held.driver.healAll();
    this.#forget(held);
  }

  #forget(held: Held): void {
    if (!this.#held.delete(held.name)) return;
    // The notes are the fault's own: what is found out later is told too.
    this.#ended.set(held.name, { ...this.#statusOf(held), state: "ended", remainingMs: 0, notes: held.notes });
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > ENDED_MAX && oldest !== undefined) this.#ended.delete(oldest);
    this.messages.remove(held.messages);
    for (const stop of [...held.forget]) stop();
  }

  /** Returns what ends it. */
  #listen(kind: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(kind) ?? new Set();
    this.#listeners.set(kind, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(kind);
    };
  }

  #nameFor(kind: FaultKind): string {
    for (;;) {
      const name = `${kind.toLowerCase()}-${++this.#count}`;
      if (!this.#held.has(name)) return name;
    }
  }

  #statusOf({ name, fault, seed, driver, messages, notes, endsNs }: Held): FaultStatus {
    const state = driver.acting > 0 ? "acting" : "waiting";
    const { clock, where } = this.#options;
    return {
      name,
      kind: fault.action.kind,
      where,
      state,
      remainingMs: state === "acting" ? Math.max(0, (endsNs - clock.monoNs()) / 1e6) : 0,
      strikes: isMessageFault(fault) ? messages.strikes(fault) : driver.injected,
      seed,
      notes: [...notes],
    };
  }
}

function asNow(status: FaultStatus): FaultStatus {
  return { ...status, notes: [...status.notes] };
}

function withoutLease({ forNs: _, ...fault }: Fault): Omit<Fault, "forNs"> {
  return fault;
}

function refused(message: string): OperationRefused {
  return new OperationRefused({ code: "failedPrecondition", definite: true, message });
}
