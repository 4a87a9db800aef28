import type { Distribution } from "@vmcslab/faults";
import { DEFAULT_DESIGN } from "@vmcslab/nested";
import type { Plan } from "./plan.js";
import { ddmin } from "./shrink-ddmin.js";
import { simplerFaults } from "./shrink-faults.js";
import { fewerCpus, smallerNumbers, swappedCpus } from "./shrink-numbers.js";
import { rounderTimes } from "./shrink-times.js";
import { weightOf } from "./shrink-weight.js";

export interface ShrinkOptions {
  /** Plans that are tried at most. */
  readonly maxRuns: number;
}

const MICROSECOND = 1_000;
const MILLISECOND = 1_000_000;

/**
 * A simpler plan that still fails: delta debugging over operations and faults, then whatever else makes it simpler, until nothing does or `maxRuns` plans were tried. `stillFails` says of a plan whether it does; of the given one it does.
 * The same plan and the same answers give the same result.
 */
export function shrinkPlan(plan: Plan, stillFails: (plan: Plan) => boolean, { maxRuns }: ShrinkOptions): Plan {
  const shrinker = new Shrinker(plan, stillFails, maxRuns);
  for (let before = Number.POSITIVE_INFINITY; weightOf(shrinker.plan) < before && !shrinker.isSpent; ) {
    before = weightOf(shrinker.plan);
    // First what makes the run steadier, so that taking something away shifts nothing else.
    shrinker.takeAll(steadier);
    shrinker.takeAll(withoutVcpus);
    shrinker.minimise("faults");
    shrinker.minimise("operations");
    shrinker.takeAll(withoutPairs);
    shrinker.takeAll(withoutWaiting);
    for (const candidates of [fewerCpus, plainer, simplerFaults, smallerNumbers, swappedCpus, rounderTimes])
      shrinker.takeAll(candidates);
  }
  return shrinker.plan;
}

class Shrinker {
  plan: Plan;
  readonly #stillFails: (plan: Plan) => boolean;
  readonly #tried = new Set<string>();
  #left: number;

  constructor(plan: Plan, stillFails: (plan: Plan) => boolean, maxRuns: number) {
    this.plan = plan;
    this.#stillFails = stillFails;
    this.#left = maxRuns;
  }

  get isSpent(): boolean {
    return this.#left <= 0;
  }

  minimise(key: "operations" | "faults"): void {
    if (key === "faults") ddmin(this.plan.faults, (faults) => this.#take({ ...this.plan, faults }));
    else ddmin(this.plan.operations, (operations) => this.#take({ ...this.plan, operations }));
  }

  /** Takes what it can of the candidates, and begins again with those of the plan that it took, until none is taken. */
  takeAll(candidates: (plan: Plan) => Iterable<Plan>): void {
    while (!this.isSpent && this.#takeOne(candidates)) {}
  }

  #takeOne(candidates: (plan: Plan) => Iterable<Plan>): boolean {
    for (const candidate of candidates(this.plan)) if (this.#take(candidate)) return true;
    return false;
  }

  #take(candidate: Plan): boolean {
    if (this.isSpent || weightOf(candidate) >= weightOf(this.plan)) return false;
    const ordered = { ...candidate, operations: candidate.operations.toSorted((a, b) => a.atNs - b.atNs) };
    const key = JSON.stringify(ordered);
    if (this.#tried.has(key)) return false;
    this.#tried.add(key);
    this.#left--;
    if (!this.#stillFails(ordered)) return false;
    this.plan = ordered;
    return true;
  }
}

function* steadier(plan: Plan): Generator<Plan> {
  for (const constant of [10 * MICROSECOND, 50 * MICROSECOND, 100 * MICROSECOND, MICROSECOND])
    yield { ...plan, latency: { constant }, inOrder: true };
  yield { ...plan, latency: { constant: typical(plan.latency) }, inOrder: true };
  yield { ...plan, inOrder: true };
  if (plan.journalNs !== undefined) {
    const { journalNs: _journal, ...without } = plan;
    yield without;
    yield { ...plan, journalNs: 0 };
  }
  yield { ...plan, latency: { constant: typical(plan.latency) } };
}

function typical(latency: Distribution): number {
  if ("exponential" in latency) return latency.exponential.mean;
  if ("uniform" in latency) return Math.round((latency.uniform.min + latency.uniform.max) / 2);
  return 10 * MICROSECOND;
}

function* plainer(plan: Plan): Generator<Plan> {
  yield { ...plan, policy: "wait" };
  for (const leaseNs of [5 * MILLISECOND, 3 * MILLISECOND]) yield { ...plan, leaseNs };
  yield { ...plan, memoryPages: 64 };
  yield* plainerDesigns(plan);
  yield { ...plan, latency: { constant: 10 * MICROSECOND } };
}

/** Built as usual, altogether or in one part. */
function* plainerDesigns({ design, ...plan }: Plan): Generator<Plan> {
  if (design === undefined) return;
  yield plan;
  const { vmcs02, preparation, clearing } = DEFAULT_DESIGN;
  for (const usual of [{ vmcs02 }, { preparation }, { clearing }]) yield { ...plan, design: { ...design, ...usual } };
}

/** Everything of one vcpu at once, which its parts may not let go one by one. */
function* withoutVcpus(plan: Plan): Generator<Plan> {
  const vcpus = new Set(plan.operations.flatMap((step) => ("vcpu" in step ? [step.vcpu] : [])));
  for (const vcpu of vcpus)
    yield { ...plan, operations: plan.operations.filter((step) => !("vcpu" in step) || step.vcpu !== vcpu) };
}

/** An operation that only keeps the run going until a fault begins: without it, the faults begin as late as they then can. */
function* withoutWaiting(plan: Plan): Generator<Plan> {
  for (const gone of plan.operations.keys()) {
    const operations = plan.operations.filter((_, index) => index !== gone);
    const latestNs = (operations.at(-1)?.atNs ?? 0) + MILLISECOND / 2;
    const faults = plan.faults.map((fault) =>
      fault.on === undefined ? { ...fault, at: Math.min(fault.at ?? 0, latestNs) } : fault,
    );
    yield { ...plan, operations, faults };
  }
}

/** Two operations at once: an entry and its exit, a move there and back. */
function* withoutPairs(plan: Plan): Generator<Plan> {
  for (let second = plan.operations.length - 1; second > 0; second--) {
    for (let first = second - 1; first >= 0; first--)
      yield { ...plan, operations: plan.operations.filter((_, index) => index !== first && index !== second) };
  }
}
