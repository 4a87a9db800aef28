import { FAULT_ACTIONS, type Fault, type FaultKind, type FaultMatch, METHODS } from "@vmcslab/faults";
import {
  type Fault as WireFault,
  type FaultMatch as WireFaultMatch,
  FaultState as WireFaultState,
  type FaultStatus as WireFaultStatus,
} from "../generated/vmcslab/v1/faults.js";
import { shown } from "../limits.js";
import { actionFromWire, actionToWire } from "./fault-action.js";
import { durationNs } from "./fault-duration.js";
import { InvalidMessage } from "./invalid-message.js";
import { NameCodec } from "./names.js";
import { defined, required, toNumber } from "./numbers.js";
import { between } from "./ranges.js";

export type FaultState = "waiting" | "acting" | "ended";

/** A fault as the service that holds it sees it. */
export interface FaultStatus {
  readonly name: string;
  readonly kind: FaultKind;
  /** `l0`, or `cpu3`. */
  readonly where: string;
  readonly state: FaultState;
  /** Until its lease ends; 0 when it does not act. */
  readonly remainingMs: number;
  /** Messages that it struck; 1 for one that is done to the host and has begun. */
  readonly strikes: number;
  /** What it draws from. */
  readonly seed: string;
  readonly notes: readonly string[];
}

/** A fault that somebody wants injected, and what it draws from; empty: drawn. */
export interface FaultOrder {
  readonly fault: Fault;
  readonly seed: string;
}

const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;
/** `l0`, `cpu`, or a CPU's number as events write it. */
const PARTY = /^(?:l0|cpu(?:\d|[1-5]\d|6[0-3])?)$/;
const COUNT_MAX = 1_000_000_000;
const EVENT_LENGTH_MAX = 64;
const SEED_LENGTH_MAX = 128;

const STATE = new NameCodec<FaultState, WireFaultState>("fault state", {
  waiting: WireFaultState.WAITING,
  acting: WireFaultState.ACTING,
  ended: WireFaultState.ENDED,
});

/** A fault's repetitions and what is drawn are the business of whoever injects it. */
export function faultToWire(fault: Fault, seed: string): WireFault {
  const { name = "", at, on, forNs = 0, match, action } = fault;
  return {
    name,
    start:
      on !== undefined
        ? { $case: "on", value: { event: on.event, nth: on.nth ?? 1 } }
        : at === undefined
          ? undefined
          : { $case: "afterNs", value: BigInt(Math.round(at)) },
    leaseNs: BigInt(Math.round(forNs)),
    match: match === undefined ? undefined : matchToWire(match),
    action: actionToWire(action),
    seed,
  };
}

/** Throws {@link InvalidMessage} for a fault that is none. */
export function faultFromWire(message: WireFault): FaultOrder {
  const { name, start, seed } = message;
  if (name !== "") checkFaultName(name);
  if (seed.length > SEED_LENGTH_MAX)
    throw new InvalidMessage(`a seed of ${seed.length} characters: at most ${SEED_LENGTH_MAX}`);
  const action = actionFromWire(required(message.action, "action"));
  const forNs = durationNs(message.leaseNs, "lease_ns");
  const timing = {
    ...(name === "" ? {} : { name }),
    ...startFromWire(start),
    ...(forNs === 0 ? {} : { forNs }),
  };
  const isOnMessages = FAULT_ACTIONS[action.kind].strikes === "messages";
  if (isOnMessages !== (message.match !== undefined))
    throw new InvalidMessage(
      isOnMessages
        ? `${action.kind} strikes messages: match says which`
        : `${action.kind} strikes no messages: remove match`,
    );
  switch (action.kind) {
    case "dropRequest":
    case "dropReply":
    case "delay":
    case "duplicate":
    case "reorder":
    case "error":
      return { fault: { ...timing, match: matchFromWire(required(message.match, "match")), action }, seed };
    default:
      return { fault: { ...timing, action }, seed };
  }
}

/** What a fault may be called. Throws {@link InvalidMessage}. */
export function checkFaultName(name: string): void {
  if (!NAME.test(name))
    throw new InvalidMessage(`name "${shown(name)}": 1 to 64 lower-case letters, digits and dashes`);
}

export function statusToWire(status: FaultStatus): WireFaultStatus {
  return {
    ...status,
    state: STATE.toWire(status.state),
    remainingMs: BigInt(Math.max(0, Math.round(status.remainingMs))),
    strikes: BigInt(status.strikes),
    notes: [...status.notes],
  };
}

export function statusFromWire(message: WireFaultStatus): FaultStatus {
  const { kind } = message;
  if (!isFaultKind(kind)) throw new InvalidMessage(`fault kind "${shown(kind)}" is not known`);
  return {
    name: message.name,
    kind,
    where: message.where,
    state: STATE.fromWire(message.state),
    remainingMs: toNumber(message.remainingMs, "remaining_ms"),
    strikes: toNumber(message.strikes, "strikes"),
    seed: message.seed,
    notes: message.notes,
  };
}

function startFromWire(start: WireFault["start"]): Pick<Fault, "at" | "on"> {
  if (start === undefined) return {};
  if (start.$case === "afterNs") return { at: durationNs(start.value, "after_ns") };
  const { event, nth } = start.value;
  if (event === "" || event.length > EVENT_LENGTH_MAX)
    throw new InvalidMessage(`event "${shown(event)}" is no event kind`);
  return { on: { event, nth: between(nth === 0 ? 1 : nth, 1, COUNT_MAX, "on.nth") } };
}

function matchToWire(match: FaultMatch): WireFaultMatch {
  const { from = "", to = "", method = "", nth = 0, every = 0, probability } = match;
  return { from, to, method, nth, every, probability };
}

function matchFromWire({ from, to, method, nth, every, probability }: WireFaultMatch): FaultMatch {
  for (const [field, party] of Object.entries({ from, to }))
    if (party !== "" && !PARTY.test(party))
      throw new InvalidMessage(
        `match.${field} "${shown(party)}" is neither l0, cpu (any of them) nor a CPU such as cpu3`,
      );
  if (method !== "" && !Object.hasOwn(METHODS, method))
    throw new InvalidMessage(`match.method "${shown(method)}" is not known`);
  if (probability !== undefined && !(probability >= 0 && probability <= 1))
    throw new InvalidMessage(`match.probability ${probability} is not from 0 to 1`);
  return defined({
    from: orNone(from),
    to: orNone(to),
    method: orNone(method),
    nth: nth === 0 ? undefined : between(nth, 1, COUNT_MAX, "match.nth"),
    every: every === 0 ? undefined : between(every, 1, COUNT_MAX, "match.every"),
    probability,
  });
}

function orNone(text: string): string | undefined {
  return text === "" ? undefined : text;
}

function isFaultKind(kind: string): kind is FaultKind {
  return Object.hasOwn(FAULT_ACTIONS, kind);
}
