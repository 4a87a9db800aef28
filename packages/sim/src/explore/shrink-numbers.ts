import { ANY_CPU, type Fault } from "@vmcslab/faults";
import type { Plan, PlannedOperation } from "./plan.js";

/** Candidates with fewer CPUs: each CPU of the plan becomes another one, and those above it move down. */
export function* fewerCpus(plan: Plan): Generator<Plan> {
  for (let gone = plan.cpus - 1; gone >= 0; gone--) {
    for (let heir = 0; heir < plan.cpus; heir++) {
      // A CPU that nothing names may go without an heir, which is the same as any.
      if (heir !== gone) yield withCpus(plan, plan.cpus - 1, (cpu) => below(cpu === gone ? heir : cpu, gone));
    }
  }
}

/** Candidates with the CPUs that are named first as the first. */
export function* swappedCpus(plan: Plan): Generator<Plan> {
  for (let low = 0; low < plan.cpus; low++) {
    for (let high = low + 1; high < plan.cpus; high++)
      yield withCpus(plan, plan.cpus, (cpu) => (cpu === low ? high : cpu === high ? low : cpu));
  }
}

function below(cpu: number, gone: number): number {
  return cpu > gone ? cpu - 1 : cpu;
}

function withCpus(plan: Plan, cpus: number, rename: (cpu: number) => number): Plan {
  return {
    ...plan,
    cpus,
    operations: plan.operations.map((step) => ("cpu" in step ? { ...step, cpu: rename(step.cpu) } : step)),
    faults: plan.faults.map((fault) => renamed(fault, rename)),
  };
}

function renamed(fault: Fault, rename: (cpu: number) => number): Fault {
  if (fault.match !== undefined) {
    const { from, to } = fault.match;
    const match = { ...fault.match, from: party(from, rename), to: party(to, rename) };
    return { ...fault, match };
  }
  const { action } = fault;
  if (action.kind === "clockSkew")
    return action.clock === "l0" ? fault : { ...fault, action: { ...action, clock: rename(action.clock) } };
  if ("cpu" in action && action.cpu !== ANY_CPU) return { ...fault, action: { ...action, cpu: rename(action.cpu) } };
  return fault;
}

function party(name: string | undefined, rename: (cpu: number) => number): string | undefined {
  const [, digits] = /^cpu(\d+)$/.exec(name ?? "") ?? [];
  return digits === undefined ? name : `cpu${rename(Number(digits))}`;
}

/** Candidates with smaller numbers of vcpus, guests, pool sizes and exit reasons. */
export function* smallerNumbers(plan: Plan): Generator<Plan> {
  yield withOperations(plan, densely(plan.operations, "vcpu"));
  yield withOperations(plan, densely(plan.operations, "guest"));
  for (const poolSize of [1, 2, 3])
    yield withOperations(
      plan,
      plan.operations.map((step) => (step.kind === "create" ? { ...step, poolSize } : step)),
    );
  yield withOperations(
    plan,
    plan.operations.map((step) => (step.kind === "exit" ? { ...step, reason: CPUID } : step)),
  );
  for (const [index, step] of plan.operations.entries()) {
    for (const smaller of [...smallerOf(step)])
      yield withOperations(plan, [...plan.operations.slice(0, index), smaller, ...plan.operations.slice(index + 1)]);
  }
}

const CPUID = 10;

function* smallerOf(step: PlannedOperation): Generator<PlannedOperation> {
  if ("guest" in step) for (let guest = 0; guest < step.guest; guest++) yield { ...step, guest };
  if ("vcpu" in step) for (let vcpu = 0; vcpu < step.vcpu; vcpu++) yield { ...step, vcpu };
  if ("cpu" in step) for (let cpu = 0; cpu < step.cpu; cpu++) yield { ...step, cpu };
  if (step.kind === "create" && step.poolSize !== 1) yield { ...step, poolSize: 1 };
  if (step.kind === "exit" && step.reason !== CPUID) yield { ...step, reason: CPUID };
}

/** Numbered from 0 in the order in which they appear. */
function densely(operations: readonly PlannedOperation[], key: "vcpu" | "guest"): PlannedOperation[] {
  const numbers = new Map<number, number>();
  const renumbered = (old: number): number => {
    const found = numbers.get(old) ?? numbers.size;
    numbers.set(old, found);
    return found;
  };
  return operations.map((step) => {
    if (key === "vcpu") return "vcpu" in step ? { ...step, vcpu: renumbered(step.vcpu) } : step;
    return "guest" in step ? { ...step, guest: renumbered(step.guest) } : step;
  });
}

function withOperations(plan: Plan, operations: readonly PlannedOperation[]): Plan {
  return { ...plan, operations };
}
