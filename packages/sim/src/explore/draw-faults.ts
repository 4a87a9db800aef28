import type { Fault, FaultMatch, RandomStream } from "@vmcslab/faults";

const MILLISECOND = 1_000_000;
const MICROSECOND = 1_000;
const FAULTS_MAX = 5;

/** Kinds of faults that a run may have. Named more than once: that much likelier, because it takes much else besides to come by something. */
const KINDS = [
  ...([
    "dropRequest",
    "dropReply",
    "delay",
    "lateFlush",
    "lateFlush",
    "lateFlush",
    "duplicate",
    "reorder",
    "error",
    "burst",
  ] as const),
  ...([
    "stall",
    "partition",
    "crash",
    "crashAtFlush",
    "crashL0",
    "stopBus",
    "clockSkew",
    "refuseAllocation",
    "offline",
  ] as const),
];

type Kind = (typeof KINDS)[number];

/** Rates of two clocks differ by less than L0's drift bound allows. */
const SKEW_PPM_MAX = 8_000;

interface Scope {
  readonly cpus: number;
  /** When the last operation is asked for, ns. */
  readonly endNs: number;
}

/** The faults of one run: none at all in a quarter of them; otherwise of a few kinds, each at some moment and for some time. */
export function drawFaults(random: RandomStream, scope: Scope): Fault[] {
  if (random.below(4) === 0) return [];
  const kinds = KINDS.filter(() => random.below(3) === 0);
  const count = 1 + random.below(FAULTS_MAX);
  const faults: Fault[] = [];
  for (let i = 0; i < count; i++) {
    const kind = kinds[random.below(Math.max(kinds.length, 1))];
    if (kind === "burst") faults.push(...drawBurst(random, scope));
    else if (kind !== undefined) faults.push(drawFault(random, kind, scope));
  }
  return faults;
}

/** Links that are bad in every way at once: what one batch does not suffer the next does, and some are in doubt while others certainly were not sent. */
function drawBurst(random: RandomStream, { cpus, endNs }: Scope): Fault[] {
  const at = random.below(endNs + 1);
  const forNs = (5 + random.below(100)) * 100 * MICROSECOND;
  const to = random.below(3) === 0 ? `cpu${random.below(cpus)}` : "cpu";
  const some = (): FaultMatch => ({ to, method: "batch", probability: (2 + random.below(3)) / 10 });
  return [
    { at, forNs, match: some(), action: { kind: "error", definite: false } },
    { at, forNs, match: some(), action: { kind: "error", definite: true } },
    { at, forNs, match: some(), action: { kind: random.below(2) === 0 ? "dropRequest" : "dropReply" } },
  ];
}

function drawFault(random: RandomStream, kind: Exclude<Kind, "burst">, { cpus, endNs }: Scope): Fault {
  const when = { at: random.below(endNs + 1), forNs: (1 + random.below(200)) * 100 * MICROSECOND };
  const cpu = random.below(cpus);
  switch (kind) {
    case "dropRequest":
    case "dropReply":
      return { ...when, match: drawMatch(random, cpu), action: { kind } };
    case "delay":
      return {
        ...when,
        match: drawMatch(random, cpu),
        action: { kind, delay: { exponential: { mean: (1 + random.below(4_000)) * MICROSECOND } } },
      };
    case "lateFlush":
      return drawLateFlush(random, endNs);
    case "duplicate":
      return { ...when, match: drawMatch(random, cpu), action: { kind, copies: 1 + random.below(2) } };
    case "reorder":
      return {
        ...when,
        match: drawMatch(random, cpu),
        action: { kind, byNs: (10 + random.below(1_000)) * MICROSECOND },
      };
    case "error":
      return { ...when, match: drawMatch(random, cpu), action: { kind, definite: random.below(2) === 0 } };
    case "stall":
    case "partition":
    case "offline":
      return { ...when, action: { kind, cpu } };
    case "crash":
      return { ...when, action: { kind, cpu, when: "now" } };
    case "crashAtFlush":
      return {
        ...when,
        action: { kind: "crash", cpu, when: random.below(2) === 0 ? "beforeFlush" : "afterFlush" },
      };
    case "stopBus":
      return { ...when, action: { kind } };
    case "crashL0":
      return { ...when, forNs: (1 + random.below(5)) * MILLISECOND, action: { kind } };
    case "clockSkew": {
      const node = random.below(cpus + 1);
      return {
        ...when,
        action: {
          kind,
          clock: node === cpus ? "l0" : node,
          ppm: random.below(2 * SKEW_PPM_MAX) - SKEW_PPM_MAX,
          offsetNs: (random.below(2_000) - 1_000) * MILLISECOND,
        },
      };
    }
    case "refuseAllocation":
      return { ...when, action: { kind, what: random.below(2) === 0 ? "node" : "page", times: 1 + random.below(3) } };
  }
}

/** A write-back is under way for longer than a lease, and on a link that keeps the order whatever its CPU says after it. It arrives when the CPU may have been given up. */
function drawLateFlush(random: RandomStream, endNs: number): Fault {
  return {
    at: random.below(Math.ceil((endNs + 1) / 2)),
    forNs: 20 * MILLISECOND,
    match: { from: "cpu", method: "vmclear", every: 1 + random.below(4) },
    action: { kind: "delay", delay: { constant: (8 + random.below(16)) * MILLISECOND } },
  };
}

/** Messages to or from one CPU or all; some of them, in one of three ways of saying so. */
function drawMatch(random: RandomStream, cpu: number): FaultMatch {
  const which = random.below(3) === 0 ? "cpu" : `cpu${cpu}`;
  const ends = random.below(3) === 0 ? { from: which } : { to: which };
  const method = random.below(3);
  const kind =
    method === 0
      ? {}
      : { method: random.pick(method === 1 ? ["vmclear", "vmptrld"] : ["batch", "completion", "beat"]) };
  switch (random.below(3)) {
    case 0:
      return { ...ends, ...kind, nth: 1 + random.below(4) };
    case 1:
      return { ...ends, ...kind, every: 2 + random.below(3) };
    default:
      return { ...ends, ...kind, probability: (1 + random.below(9)) / 10 };
  }
}
