import { type Distribution, RandomStream } from "@vmcslab/faults";
import { DEFAULT_DESIGN, type Design } from "@vmcslab/nested";
import { drawFaults } from "./draw-faults.js";
import type { ExploreScope, LostCpuPolicy, Plan, PlannedOperation, PlannedStep } from "./plan.js";

const GUESTS_MAX = 4;
const EXIT_REASONS: readonly [number, ...number[]] = [10, 12, 18, 28, 48];
const MICROSECOND = 1_000;
const MILLISECOND = 1_000_000;

/** How likely each kind of operation is in one run. */
type Weights = Readonly<Record<PlannedStep["kind"], number>>;

/** What the plan so far makes of a vcpu, if everything works. It only guides the draw. */
interface Slot {
  readonly vcpu: number;
  /** Guests whose vmcs12 L1 has built. */
  readonly built: Set<number>;
  inGuest: boolean;
}

/**
 * Draws a run from a seed: the size of the host, the operations, and the faults. Swarm testing (Groce et al., ISSTA 2012): each seed leaves out kinds of operations and faults at random, because a run of everything
 * at once rarely does one thing often enough.
 */
export function drawPlan(seed: number, scope: ExploreScope = {}): Plan {
  const random = new RandomStream(`${seed}`);
  const shape = random.fork("shape");
  const drawnCpus = 2 + shape.below(shape.below(8) === 0 ? 7 : 3);
  const cpus = scope.cpus ?? drawnCpus;
  const drawnPolicy = shape.pick<LostCpuPolicy>(["wait", "fence", "fence", "kill"]);
  const operations = drawOperations(random.fork("operations"), cpus, scope.poolSize);
  const endNs = operations.at(-1)?.atNs ?? 0;
  const journalNs = drawJournalNs(random.fork("journal"));
  const design = drawDesign(random.fork("design"), scope);
  return {
    seed,
    cpus,
    memoryPages: shape.below(6) === 0 ? cpus + 4 : Math.max(64, 4 * cpus),
    policy: scope.policy ?? drawnPolicy,
    leaseNs: drawnLeaseNs(shape, scope),
    latency: drawLatency(shape),
    inOrder: shape.below(4) !== 0,
    ...(journalNs === undefined ? {} : { journalNs }),
    ...(design === undefined ? {} : { design }),
    operations,
    faults: scope.faults ?? drawFaults(random.fork("faults"), { cpus, endNs }),
  };
}

/** Drawn even where it is given, so that the rest of the run is the same with and without. */
function drawnLeaseNs(random: RandomStream, { leaseNs }: ExploreScope): number {
  const drawn = (3 + random.below(6)) * MILLISECOND;
  return leaseNs ?? drawn;
}

/** Most L0s keep a journal; with a slow one operations overlap while their records are not safe yet. */
function drawJournalNs(random: RandomStream): number | undefined {
  return random.pick([undefined, 0, 10 * MICROSECOND, 100 * MICROSECOND, MILLISECOND]);
}

/** Half of the runs are of the default; the others try every way in which L0 can be built. */
function drawDesign(random: RandomStream, given: ExploreScope): Design | undefined {
  const isDefault = random.below(2) === 0;
  const drawn: Design = {
    vmcs02: random.pick<Design["vmcs02"]>(["pool", "pool", "single"]),
    preparation: random.pick<Design["preparation"]>(["full", "incremental", "incremental"]),
    clearing: random.pick<Design["clearing"]>(["oneByOne", "perCpu", "atOnce"]),
  };
  const usual = isDefault ? DEFAULT_DESIGN : drawn;
  const { vmcs02 = usual.vmcs02, preparation = usual.preparation, clearing = usual.clearing } = given;
  const design = { vmcs02, preparation, clearing };
  return isDefaultDesign(design) ? undefined : design;
}

function isDefaultDesign({ vmcs02, preparation, clearing }: Design): boolean {
  const usual = DEFAULT_DESIGN;
  return vmcs02 === usual.vmcs02 && preparation === usual.preparation && clearing === usual.clearing;
}

function drawLatency(random: RandomStream): Distribution {
  const ns = (1 + random.below(60)) * MICROSECOND;
  switch (random.below(3)) {
    case 0:
      return { constant: ns };
    case 1:
      return { uniform: { min: MICROSECOND, max: MICROSECOND + 2 * ns } };
    default:
      return { exponential: { mean: ns } };
  }
}

function drawOperations(random: RandomStream, cpus: number, fixedPoolSize: number | undefined): PlannedOperation[] {
  const weights = drawWeights(random);
  const count = 10 + random.below(40);
  const slotsMax = 1 + random.below(4);
  const guests = 1 + random.below(GUESTS_MAX);
  const drawnPoolSize = random.below(4);
  const poolSize = fixedPoolSize ?? drawnPoolSize;
  // From one at a time to many at once, against latencies of up to 60 µs.
  const spacingNs = random.pick([20, 100, 300, 1_500]) * MICROSECOND;
  const slots: Slot[] = [];
  const operations: PlannedOperation[] = [];
  let created = 0;
  let atNs = MILLISECOND;
  for (let i = 0; i < count; i++) {
    atNs += random.below(2 * spacingNs);
    const step = drawStep(random, { weights, slots, slotsMax, guests, cpus, poolSize, next: created });
    if (step.kind === "create") created++;
    operations.push({ ...step, atNs });
    // Somebody tries again, whatever became of the first attempt.
    if (step.kind === "offline" && random.below(2) === 0) {
      atNs += random.below(spacingNs);
      operations.push({ kind: random.below(3) === 0 ? "online" : "offline", cpu: step.cpu, atNs });
    }
  }
  // While others are still under way.
  if (random.below(16) === 0) operations.push({ kind: "crashClearAll", atNs: atNs + random.below(spacingNs) });
  return operations;
}

function drawWeights(random: RandomStream): Weights {
  const maybe = (weight: number, odds: number): number => (random.below(odds) === 0 ? 0 : weight);
  return {
    create: 4,
    build: 10,
    enter: 14,
    exit: 14,
    place: maybe(12, 8),
    vmclear: maybe(2, 2),
    vmxoff: maybe(1, 2),
    destroy: maybe(2, 2),
    offline: maybe(1, 2),
    online: 1,
    // Only as the last of all.
    crashClearAll: 0,
  };
}

interface Draw {
  readonly weights: Weights;
  readonly slots: Slot[];
  readonly slotsMax: number;
  /** Of each vcpu. With few, one that was built is built again. */
  readonly guests: number;
  readonly cpus: number;
  readonly poolSize: number;
  readonly next: number;
}

function drawStep(random: RandomStream, draw: Draw): PlannedStep {
  const { slots, cpus } = draw;
  const slot = slots[random.below(Math.max(slots.length, 1))];
  if (slot === undefined) return create(random, draw);
  const kind = drawKind(random, draw, slot);
  const { vcpu } = slot;
  switch (kind) {
    case "create":
      return create(random, draw);
    case "build": {
      const guest = random.below(draw.guests);
      slot.built.add(guest);
      return { kind, vcpu, guest };
    }
    case "enter": {
      slot.inGuest = true;
      return { kind, vcpu, guest: pickGuest(random, slot) };
    }
    case "exit":
      slot.inGuest = false;
      return { kind, vcpu, reason: random.pick(EXIT_REASONS) };
    case "vmclear":
      return { kind, vcpu, guest: pickGuest(random, slot) };
    case "vmxoff":
      slot.built.clear();
      return { kind, vcpu };
    case "place":
      return { kind, vcpu, cpu: random.below(cpus) };
    case "destroy":
      slots.splice(slots.indexOf(slot), 1);
      return { kind, vcpu };
    case "offline":
    case "online":
      return { kind, cpu: random.below(cpus) };
    case "crashClearAll":
      return { kind };
  }
}

function create(random: RandomStream, { slots, cpus, poolSize, next }: Draw): PlannedStep {
  slots.push({ vcpu: next, built: new Set(), inGuest: false });
  return { kind: "create", vcpu: next, cpu: random.below(cpus), poolSize };
}

/** By weight, of what makes sense; one in sixteen without regard for that. */
function drawKind(random: RandomStream, { weights, slots, slotsMax }: Draw, slot: Slot): PlannedStep["kind"] {
  const anything = random.below(16) === 0;
  const makesSense = (kind: PlannedStep["kind"]): boolean => {
    switch (kind) {
      case "create":
        return slots.length < slotsMax;
      case "enter":
        return anything || (slot.built.size > 0 && !slot.inGuest);
      case "build":
      case "vmclear":
      case "vmxoff":
        return anything || !slot.inGuest;
      case "exit":
        return anything || slot.inGuest || slot.built.size === 0;
      default:
        return true;
    }
  };
  const kinds = KINDS.filter((kind) => weights[kind] > 0 && makesSense(kind));
  const total = kinds.reduce((sum, kind) => sum + weights[kind], 0);
  let drawn = random.below(Math.max(total, 1));
  for (const kind of kinds) {
    drawn -= weights[kind];
    if (drawn < 0) return kind;
  }
  return "exit";
}

const KINDS: readonly PlannedStep["kind"][] = [
  ...(["create", "build", "enter", "exit", "place", "vmclear", "vmxoff", "destroy", "offline", "online"] as const),
];

function pickGuest(random: RandomStream, { built }: Slot): number {
  const guests = [...built];
  return guests[random.below(Math.max(guests.length, 1))] ?? 0;
}
