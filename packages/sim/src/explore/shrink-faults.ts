import type { Distribution, Fault, FaultMatch, HostFault, MessageFault } from "@vmcslab/faults";
import { isMessageFault } from "@vmcslab/faults";
import type { Plan } from "./plan.js";

const MICROSECOND = 1_000;
const MILLISECOND = 1_000_000;
/** Which of the matched messages a fault with a probability may have struck. */
const NTH_MAX = 8;

/** Candidates in which one fault says less. */
export function* simplerFaults(plan: Plan): Generator<Plan> {
  for (const [index, fault] of plan.faults.entries()) {
    for (const simpler of [...simplerFault(fault)])
      yield { ...plan, faults: plan.faults.map((old, i) => (i === index ? simpler : old)) };
  }
}

function* simplerFault(fault: Fault): Generator<Fault> {
  for (const forNs of shorter(fault.forNs)) yield { ...fault, forNs };
  if (isMessageFault(fault)) {
    for (const match of simplerMatch(fault.match)) yield { ...fault, match };
    yield* simplerMessageAction(fault);
  } else yield* simplerHostAction(fault);
}

function shorter(ns: number | undefined): number[] {
  const round = [1, 2, 5, 10, 20].flatMap((n) => [n * 100 * MICROSECOND, n * MILLISECOND]);
  return round.filter((candidate) => ns !== undefined && candidate < ns).sort((a, b) => a - b);
}

function* simplerMatch(match: FaultMatch): Generator<FaultMatch> {
  const { from, to, method, nth, every, probability } = match;
  if (probability !== undefined || every !== undefined) {
    const counted = { from, to, method };
    yield counted;
    for (let n = 1; n <= NTH_MAX; n++) yield { ...counted, nth: n };
  }
  if (nth !== undefined) yield { from, to, method };
  if (from !== undefined) yield { ...match, from: undefined };
  if (to !== undefined) yield { ...match, to: undefined };
  if (method !== undefined) yield { ...match, method: undefined };
}

function* simplerMessageAction(fault: MessageFault): Generator<Fault> {
  const { action } = fault;
  switch (action.kind) {
    case "delay":
      for (const delay of simplerDelays(action.delay)) yield { ...fault, action: { ...action, delay } };
      break;
    case "duplicate":
      yield { ...fault, action: { ...action, copies: 1 } };
      break;
    case "reorder":
      for (const byNs of [100 * MICROSECOND, MILLISECOND, 10 * MILLISECOND])
        yield { ...fault, action: { ...action, byNs } };
      break;
    case "dropReply":
      // To lose a reply itself is what the other one says.
      if (fault.match.method === "completion") yield { ...fault, action: { kind: "dropRequest" } };
  }
}

function simplerDelays(delay: Distribution): Distribution[] {
  const typical = "exponential" in delay ? [delay.exponential.mean] : "uniform" in delay ? [delay.uniform.max] : [];
  return [100 * MICROSECOND, ...[1, 2, 5, 10].map((ms) => ms * MILLISECOND), ...typical].map((constant) => ({
    constant,
  }));
}

function* simplerHostAction(fault: HostFault): Generator<Fault> {
  const { action } = fault;
  switch (action.kind) {
    case "crash":
      yield { ...fault, action: { ...action, when: "now" } };
      break;
    case "clockSkew":
      yield { ...fault, action: { ...action, ppm: 0 } };
      yield { ...fault, action: { ...action, offsetNs: 0 } };
      break;
    case "refuseAllocation":
      yield { ...fault, action: { ...action, times: 1 } };
  }
}
