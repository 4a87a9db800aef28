import {
  type Distribution,
  FAULT_ACTIONS,
  type Fault,
  type FaultKind,
  type FaultMatch,
  METHODS,
} from "@vmcslab/faults";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CrashMoment,
  FaultState,
  Resource,
  Fault as WireFault,
  type FaultMatch as WireFaultMatch,
  FaultStatus as WireFaultStatus,
} from "../generated/vmcslab/v1/faults.js";
import { type FaultStatus, faultFromWire, faultToWire, statusFromWire, statusToWire } from "./fault.js";
import { InvalidMessage } from "./invalid-message.js";

const DAY_NS = 24 * 3600 * 1e9;

const ns = fc.oneof(fc.constantFrom(0, 1, DAY_NS), fc.nat({ max: DAY_NS }));
const positiveNs = ns.map((value) => Math.max(value, 1));
const times = fc.integer({ min: 1, max: 1_000_000_000 });
const cpu = fc.nat({ max: 63 });
const name = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,63}$/);
const party = fc.oneof(
  fc.constantFrom("l0", "cpu"),
  cpu.map((number) => `cpu${number}`),
);

const delay: fc.Arbitrary<Distribution> = fc.oneof(
  fc.record({ constant: ns }),
  fc.tuple(ns, ns).map(([a, b]) => ({ uniform: { min: Math.min(a, b), max: Math.max(a, b) } })),
  fc.record({ exponential: fc.record({ mean: ns }) }),
  fc.tuple(positiveNs, positiveNs).map(([a, b]) => ({ logNormal: { p50: Math.min(a, b), p99: Math.max(a, b) } })),
  fc.record({
    pareto: fc.record({
      scale: positiveNs,
      shape: fc.double({ min: Number.MIN_VALUE, max: Number.MAX_VALUE, noNaN: true }),
    }),
  }),
  fc
    .array(ns, { minLength: 1, maxLength: 50 })
    .map((samples) => ({ empirical: samples.toSorted((left, right) => left - right) })),
);

const match: fc.Arbitrary<FaultMatch> = fc.record(
  {
    from: party,
    to: party,
    method: fc.constantFrom(...Object.keys(METHODS)),
    nth: times,
    every: times,
    probability: fc.double({ min: 0, max: 1, noNaN: true }).map((share) => share + 0),
  },
  { requiredKeys: [] },
);

const timing = fc.tuple(
  fc.record({ name, forNs: fc.integer({ min: 1, max: DAY_NS }) }, { requiredKeys: [] }),
  fc.oneof(
    fc.constant({}),
    fc.record({ at: fc.nat({ max: DAY_NS }) }),
    fc.record({ on: fc.record({ event: fc.constantFrom("ipi.sent", "vmclear", "batch.failed"), nth: times }) }),
  ),
);

const messageAction = fc.oneof(
  fc.record({ kind: fc.constantFrom("dropRequest", "dropReply") }),
  fc.record({ kind: fc.constant("delay"), delay }),
  fc.record({ kind: fc.constant("duplicate"), copies: fc.integer({ min: 1, max: 1000 }) }),
  fc.record({ kind: fc.constant("reorder"), byNs: positiveNs }),
  fc.record({ kind: fc.constant("error"), definite: fc.boolean() }),
);

const hostAction = fc.oneof(
  fc.record({ kind: fc.constantFrom("stall", "partition", "offline", "online"), cpu }),
  fc.record({ kind: fc.constant("crash"), cpu, when: fc.constantFrom("now", "beforeFlush", "afterFlush") }),
  fc.record({ kind: fc.constantFrom("crashL0", "stopBus") }),
  fc.record({
    kind: fc.constant("clockSkew"),
    clock: fc.oneof(cpu, fc.constant("l0")),
    ppm: fc.integer({ min: -500_000, max: 500_000 }),
    offsetNs: fc.integer({ min: -DAY_NS, max: DAY_NS }),
  }),
  fc.record({ kind: fc.constant("refuseAllocation"), what: fc.constantFrom("node", "page"), times }),
);

const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc
    .tuple(timing, match, messageAction)
    .map(([[base, start], match, action]) => ({ ...base, ...start, match, action })),
  fc.tuple(timing, hostAction).map(([[base, start], action]) => ({ ...base, ...start, action })),
);

const overTheWire = (sent: Fault, seed = "") =>
  faultFromWire(WireFault.decode(WireFault.encode(faultToWire(sent, seed)).finish()));

describe("a fault on the wire", () => {
  test("every fault of the vocabulary comes back as it was sent, with its seed", () => {
    fc.assert(
      fc.property(fault, fc.string({ maxLength: 128 }), (sent, seed) => {
        expect(overTheWire(sent, seed)).toStrictEqual({ fault: structuredClone(sent), seed });
      }),
      { numRuns: 1000 },
    );
  });

  test("the faults that are tried are of every kind", () => {
    const kinds = new Set(fc.sample(fault, 2000).map(({ action }) => action.kind));
    expect(Object.keys(FAULT_ACTIONS).filter((kind) => !kinds.has(kind as FaultKind))).toEqual([]);
  });

  test("of any CPU has to be drawn before", () => {
    expect(() => faultToWire({ action: { kind: "stall", cpu: "any" } }, "")).toThrow(RangeError);
  });

  test("what is left out means what docs/faults.md says", () => {
    const without = (action: NonNullable<WireFault["action"]>, onMessages = false) =>
      faultFromWire(wire({ action, ...(onMessages ? { match: NO_MATCH } : {}) })).fault;
    expect(without({ $case: "duplicate", value: { copies: 0 } }, true).action).toEqual({
      kind: "duplicate",
      copies: 1,
    });
    expect(without({ $case: "reorder", value: { byNs: 0n } }, true).action).toEqual({
      kind: "reorder",
      byNs: 10_000_000,
    });
    const crash = without({ $case: "crash", value: { cpu: 2, when: CrashMoment.UNSPECIFIED } });
    expect(crash).toEqual({ action: { kind: "crash", cpu: 2, when: "now" } });
    const refuse = without({ $case: "refuseAllocation", value: { what: Resource.PAGE, times: 0 } });
    expect(refuse.action).toMatchObject({ times: 1 });
    expect(faultFromWire(wire({ start: { $case: "on", value: { event: "vmclear", nth: 0 } } })).fault.on).toEqual({
      event: "vmclear",
      nth: 1,
    });
  });
});

const NO_MATCH: WireFaultMatch = { from: "", to: "", method: "", nth: 0, every: 0, probability: undefined };

function wire(changes: Partial<WireFault>): WireFault {
  return {
    ...{ name: "", start: undefined, leaseNs: 0n, match: undefined, seed: "" },
    action: { $case: "stopBus", value: {} },
    ...changes,
  };
}

const dropping = (match: Partial<WireFaultMatch>): WireFault =>
  wire({ action: { $case: "dropRequest", value: {} }, match: { ...NO_MATCH, ...match } });

function delayed(delay: Extract<NonNullable<WireFault["action"]>, { $case: "delay" }>["value"]["delay"]): WireFault {
  return wire({ action: { $case: "delay", value: { delay } }, match: NO_MATCH });
}

const acting = (action: NonNullable<WireFault["action"]>): WireFault => wire({ action });

describe("what the wire can say and the vocabulary cannot is refused, and the refusal names the field", () => {
  test.each<[string, WireFault, string]>([
    ["no action", wire({ action: undefined }), "action is missing"],
    ["a name in capitals", wire({ name: "Upper" }), 'name "Upper": 1 to 64 lower-case letters, digits and dashes'],
    ["a name too long", wire({ name: "a".repeat(65) }), `name "${"a".repeat(65)}": 1 to 64`],
    ["a seed too long", wire({ seed: "s".repeat(129) }), "a seed of 129 characters: at most 128"],
    ["a lease over a day", wire({ leaseNs: BigInt(DAY_NS) + 1n }), "lease_ns 86400000000001 is more than a day"],
    ["a lease over 53 bits", wire({ leaseNs: 2n ** 53n }), "lease_ns 9007199254740992 does not fit in 53 bits"],
    [
      "a start over a day",
      wire({ start: { $case: "afterNs", value: BigInt(DAY_NS) + 1n } }),
      "after_ns 86400000000001 is more than a day",
    ],
    ["no event", wire({ start: { $case: "on", value: { event: "", nth: 1 } } }), 'event "" is no event kind'],
    [
      "an event too late",
      wire({ start: { $case: "on", value: { event: "vmclear", nth: 1_000_000_001 } } }),
      "on.nth 1000000001 is not from 1 to 1000000000",
    ],
    ["a stall with a match", wire({ match: NO_MATCH }), "stopBus strikes no messages: remove match"],
    [
      "a drop without a match",
      acting({ $case: "dropRequest", value: {} }),
      "dropRequest strikes messages: match says which",
    ],
    ["a sender that is none", dropping({ from: "l1" }), 'match.from "l1" is neither l0, cpu (any of them) nor a CPU'],
    ["a receiver that is none", dropping({ to: "cpu64" }), 'match.to "cpu64" is neither l0, cpu (any of them) nor'],
    ["a CPU with a leading zero", dropping({ to: "cpu03" }), 'match.to "cpu03" is neither l0, cpu (any of them) nor'],
    ["a method that is none", dropping({ method: "vmcall" }), 'match.method "vmcall" is not known'],
    ["a method of every object", dropping({ method: "toString" }), 'match.method "toString" is not known'],
    ["too late a message", dropping({ nth: 4_000_000_000 }), "match.nth 4000000000 is not from 1 to 1000000000"],
    ["too seldom", dropping({ every: 4_000_000_000 }), "match.every 4000000000 is not from 1 to 1000000000"],
    ["more than certain", dropping({ probability: 1.5 }), "match.probability 1.5 is not from 0 to 1"],
    ["less than never", dropping({ probability: -0.1 }), "match.probability -0.1 is not from 0 to 1"],
    ["no number", dropping({ probability: Number.NaN }), "match.probability NaN is not from 0 to 1"],
    ["no distribution", delayed(undefined), "the delay's distribution is missing"],
    ["a constant over 53 bits", delayed({ $case: "constantNs", value: 2n ** 60n }), "constant_ns"],
    ["min above max", delayed({ $case: "uniform", value: { minNs: 2n, maxNs: 1n } }), "min_ns 2 is above max_ns 1"],
    [
      "a median of 0",
      delayed({ $case: "logNormal", value: { p50Ns: 0n, p99Ns: 1n } }),
      "p50_ns 0 must be above 0 and not above p99_ns 1",
    ],
    [
      "a median above the tail",
      delayed({ $case: "logNormal", value: { p50Ns: 2n, p99Ns: 1n } }),
      "p50_ns 2 must be above 0 and not above p99_ns 1",
    ],
    ["no scale", delayed({ $case: "pareto", value: { scaleNs: 0n, shape: 1 } }), "scale_ns must be above 0"],
    ["no shape", delayed({ $case: "pareto", value: { scaleNs: 1n, shape: 0 } }), "shape 0 must be above 0"],
    [
      "an endless shape",
      delayed({ $case: "pareto", value: { scaleNs: 1n, shape: Number.POSITIVE_INFINITY } }),
      "shape Infinity must be above 0",
    ],
    ["no samples", delayed({ $case: "empirical", value: { samplesNs: [] } }), "0 samples_ns: 1 to 10000"],
    [
      "too many samples",
      delayed({ $case: "empirical", value: { samplesNs: Array.from({ length: 10_001 }, () => 1n) } }),
      "10001 samples_ns: 1 to 10000",
    ],
    [
      "too many copies",
      wire({ action: { $case: "duplicate", value: { copies: 1001 } }, match: NO_MATCH }),
      "copies 1001 is not from 1 to 1000",
    ],
    ["a CPU that cannot be", acting({ $case: "stall", value: { cpu: 64 } }), "cpu 64 is not from 0 to 63"],
    [
      "a crash at no moment",
      acting({ $case: "crash", value: { cpu: 0, when: CrashMoment.UNRECOGNIZED } }),
      "when: crash moment -1 is not known",
    ],
    [
      "nobody's clock",
      acting({ $case: "clockSkew", value: { clock: "trace", ppm: 0, offsetNs: 0n } }),
      'clock "trace" is neither l0 nor a CPU such as cpu3',
    ],
    [
      "the clock of a CPU that cannot be",
      acting({ $case: "clockSkew", value: { clock: "cpu64", ppm: 0, offsetNs: 0n } }),
      "clock 64 is not from 0 to 63",
    ],
    [
      "a clock too fast",
      acting({ $case: "clockSkew", value: { clock: "l0", ppm: 500_001, offsetNs: 0n } }),
      "ppm 500001 is not from -500000 to 500000",
    ],
    [
      "an offset over 53 bits",
      acting({ $case: "clockSkew", value: { clock: "l0", ppm: 0, offsetNs: -(2n ** 53n) } }),
      "offset_ns -9007199254740992 does not fit in 53 bits",
    ],
    [
      "no resource",
      acting({ $case: "refuseAllocation", value: { what: Resource.UNSPECIFIED, times: 1 } }),
      "what: resource 0 is not known",
    ],
    [
      "too many refusals",
      acting({ $case: "refuseAllocation", value: { what: Resource.NODE, times: 1_000_000_001 } }),
      "times 1000000001 is not from 1 to 1000000000",
    ],
  ])("%s", (_what, message, complaint) => {
    const refused = () => faultFromWire(WireFault.decode(WireFault.encode(message).finish()));
    expect(refused).toThrow(InvalidMessage);
    expect(refused).toThrow(complaint);
  });

  test("whatever is said: it is a fault of the vocabulary, which survives the way back, or it is refused", () => {
    const bigNs = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const word = fc.nat({ max: 0xffff_ffff });
    const said = fc.record({
      match: fc.option(
        fc.record({
          ...{ from: fc.constantFrom("", "l0", "cpu", "cpu7", "cpu99"), to: fc.constantFrom("", "cpu0", "cpu07") },
          ...{ method: fc.constantFrom("", "batch", "nmi"), nth: word, every: word },
          probability: fc.option(fc.double(), { nil: undefined }),
        }),
        { nil: undefined },
      ),
      leaseNs: bigNs,
      action: fc.oneof(
        fc.record({ $case: fc.constant("duplicate"), value: fc.record({ copies: word }) }),
        fc.record({ $case: fc.constant("reorder"), value: fc.record({ byNs: bigNs }) }),
        fc.record({ $case: fc.constant("stall"), value: fc.record({ cpu: word }) }),
        fc.record({
          $case: fc.constant("crash"),
          value: fc.record({
            cpu: fc.nat({ max: 99 }),
            when: fc.constantFrom(CrashMoment.NOW, CrashMoment.AFTER_FLUSH, CrashMoment.UNRECOGNIZED),
          }),
        }),
      ),
    });
    fc.assert(
      fc.property(said, (changes) => {
        let fault: Fault;
        try {
          ({ fault } = faultFromWire(wire(changes)));
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(InvalidMessage);
          return;
        }
        expect(overTheWire(fault).fault).toStrictEqual(fault);
      }),
      { numRuns: 500 },
    );
  });
});

describe("how a fault is doing, on the wire", () => {
  const status: fc.Arbitrary<FaultStatus> = fc.record({
    ...{ name, seed: fc.string({ unit: "grapheme" }), notes: fc.array(fc.string({ unit: "grapheme" })) },
    kind: fc.constantFrom(...Object.keys(FAULT_ACTIONS).map((kind) => kind as FaultKind)),
    where: party,
    state: fc.constantFrom("waiting", "acting", "ended"),
    remainingMs: fc.maxSafeNat(),
    strikes: fc.maxSafeNat(),
  });

  test("every status comes back as it was sent", () => {
    fc.assert(
      fc.property(status, (sent) => {
        const bytes = WireFaultStatus.encode(statusToWire(sent)).finish();
        expect(statusFromWire(WireFaultStatus.decode(bytes))).toStrictEqual(structuredClone(sent));
      }),
    );
  });

  test("a kind or a state that nobody knows is refused", () => {
    const sent: FaultStatus = {
      ...{ name: "n", kind: "stall", where: "l0", state: "acting", remainingMs: 1, strikes: 0, seed: "", notes: [] },
    };
    expect(() => statusFromWire({ ...statusToWire(sent), kind: "melt" })).toThrow('fault kind "melt" is not known');
    expect(() => statusFromWire({ ...statusToWire(sent), state: FaultState.UNSPECIFIED })).toThrow(
      "fault state 0 is not known",
    );
  });
});
