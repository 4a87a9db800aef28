import { ANY_CPU, type Fault, type FaultMatch } from "@vmcslab/faults";
import { DEFAULT_DESIGN, type Design } from "@vmcslab/nested";
import type { Plan, PlannedOperation } from "./plan.js";

const MILLISECOND = 1_000_000;

/** What a person has to take in, roughly in the order of how much each costs them. */
const COST = { operation: 1e8, fault: 4e7, cpu: 1e7, setting: 1e4, digit: 50, number: 1, span: 1e-3 } as const;

/** How hard a plan is to read. Shrinking only ever takes a step that makes it less, and so it ends. */
export function weightOf(plan: Plan): number {
  const { operations, faults, cpus } = plan;
  const times = [...operations.map(({ atNs }) => atNs), ...faults.map(({ at = 0 }) => at)];
  return (
    COST.operation * operations.length +
    COST.fault * faults.length +
    COST.cpu * cpus +
    COST.setting * settingsOf(plan) +
    COST.digit * sum(times, digits) +
    COST.span * (Math.max(0, ...times) / MILLISECOND) +
    sum(operations, weightOfOperation) +
    sum(faults, weightOfFault)
  );
}

/** Departures from what a reader takes for granted. */
function settingsOf({ latency, inOrder, policy, memoryPages, leaseNs, journalNs, design }: Plan): number {
  return (
    departuresOf(design) +
    ("constant" in latency ? digits(latency.constant) / 1e3 : 3) +
    (inOrder ? 0 : 2) +
    (policy === "wait" ? 0 : 2 + digits(leaseNs) / 1e3) +
    (memoryPages === 64 ? 0 : 1) +
    (journalNs === undefined ? 0 : 1 + digits(journalNs) / 1e3)
  );
}

function departuresOf(design: Design = DEFAULT_DESIGN): number {
  const { vmcs02, preparation, clearing } = DEFAULT_DESIGN;
  return [design.vmcs02 !== vmcs02, design.preparation !== preparation, design.clearing !== clearing].filter(Boolean)
    .length;
}

function weightOfOperation(operation: PlannedOperation): number {
  const numbers =
    ("cpu" in operation ? operation.cpu : 0) +
    ("vcpu" in operation ? operation.vcpu : 0) +
    ("guest" in operation ? operation.guest : 0) +
    ("reason" in operation ? operation.reason : 0) +
    ("poolSize" in operation ? Math.abs(operation.poolSize - 1) : 0);
  return COST.number * numbers;
}

function weightOfFault({ action, match, forNs = 0 }: Fault): number {
  const cpu = "cpu" in action && action.cpu !== ANY_CPU ? action.cpu : 0;
  const numbers = cpu + (match === undefined ? 0 : weightOfMatch(match));
  return COST.number * numbers + COST.digit * digits(forNs) + COST.setting * settingsOfAction(action) + forNs / 1e9;
}

function weightOfMatch({ from, to, method, nth, every, probability }: FaultMatch): number {
  const parts = [from, to, method, nth, every].filter((part) => part !== undefined).length;
  // What is drawn is harder to follow than what is counted.
  return 100 * parts + (nth ?? 0) + (every ?? 0) + (probability === undefined ? 0 : 500);
}

function settingsOfAction(action: Fault["action"]): number {
  switch (action.kind) {
    case "delay":
      return "constant" in action.delay ? digits(action.delay.constant) / 1e3 : 1;
    case "duplicate":
      return action.copies - 1;
    case "crash":
      return action.when === "now" ? 0 : 1;
    case "clockSkew":
      return (action.ppm === 0 ? 0 : 1) + (action.offsetNs === 0 ? 0 : 1);
    case "refuseAllocation":
      return action.times - 1;
    case "reorder":
      return digits(action.byNs) / 1e3;
    default:
      return 0;
  }
}

/** Decimal digits before the zeros at the end: 3 ms has one, 3.141 ms four. A multiple of 1 ms counts as one. */
export function digits(ns: number): number {
  let rest = Math.abs(ns);
  if (rest % MILLISECOND === 0) return rest === 0 ? 0 : 1;
  while (rest % 10 === 0) rest /= 10;
  return `${rest}`.length;
}

function sum<T>(list: readonly T[], weigh: (item: T) => number): number {
  return list.reduce((total, item) => total + weigh(item), 0);
}
