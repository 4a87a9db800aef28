import type { EventFact } from "@vmcslab/history";
import { Hypervisor, type LeaseTerms, NO_LEASE } from "@vmcslab/nested";
import { Driver, LamportClock, requireCpuModel, systemClock } from "@vmcslab/runtime";
import { DEFAULT_CPU_MODEL } from "@vmcslab/vmx";
import { afterEach, describe, expect, test } from "vitest";
import { CpuRegistry } from "./cpu-registry.js";

const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const LEASED: LeaseTerms = { durationNs: 200e6, driftPpm: 10_000 };

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

function registry(terms: LeaseTerms) {
  const facts: EventFact[] = [];
  const model = requireCpuModel(DEFAULT_CPU_MODEL);
  const driver = new Driver();
  const hypervisor = new Hypervisor(
    { poolSize: 1, memoryPages: 16, l1MemoryBytes: 4096, model },
    { emit: (fact) => facts.push(fact), begin: (operation) => void driver.run(operation) },
  );
  const lamport = new LamportClock();
  const cpus = new CpuRegistry({ hypervisor, driver, session: 7, terms, clock: systemClock, lamport, logger });
  stops.push(() => cpus.close());
  return { cpus, facts };
}

/** Nobody listens at any of these: CPUs that are connected are another file's subject. */
const at = (port: number, incarnation: number) => ({
  ...{ cpu: 1, incarnation, model: DEFAULT_CPU_MODEL },
  address: `127.0.0.1:${port}`,
});

/** How an attempt to register ends. */
function register(cpus: CpuRegistry, registration: ReturnType<typeof at>): "taken" | "over" | "refused" {
  try {
    return cpus.register(registration).over ? "over" : "taken";
  } catch {
    return "refused";
  }
}

describe("the answer to a CPU's beat", () => {
  test("grants what the policy says", () => {
    expect(registry(NO_LEASE).cpus.register(at(1, 5))).toEqual({ ready: false, session: 7, leaseMs: 0, over: false });
    expect(registry(LEASED).cpus.register(at(1, 5))).toEqual({ ready: false, session: 7, leaseMs: 200, over: false });
  });

  test("says that a life is over when a later one has registered", async () => {
    const { cpus } = registry(NO_LEASE);
    cpus.register(at(1, 5));
    await expect.poll(() => register(cpus, at(1, 6)), { timeout: 5000 }).toBe("taken");
    expect(cpus.register(at(1, 5))).toMatchObject({ over: true });
    expect(cpus.register(at(1, 6))).toMatchObject({ over: false });
  });

  test("says that a life is over when it was fenced, and takes its next one", async () => {
    const { cpus, facts } = registry(LEASED);
    cpus.register(at(1, 5));
    await expect.poll(() => cpus.list()[0]?.state, { timeout: 5000 }).toBe("lost");
    expect(facts).toContainEqual({ kind: "cpu.fenced", operation: 0, cpu: 1, epoch: 5 });
    expect(cpus.register(at(1, 5))).toEqual({ ready: false, session: 7, leaseMs: 0, over: true, newest: 5 });
    expect(cpus.register(at(1, 6))).toMatchObject({ leaseMs: 200, over: false });
    expect(cpus.list()).toMatchObject([{ incarnation: 6, state: "connecting" }]);
  });
});

describe("another life of a CPU that is not connected", () => {
  test.each([
    ["no leases: until nobody listens at its address and it is not heard", NO_LEASE],
    ["leases: until it is fenced", LEASED],
  ])("is refused while the first may live, whatever address it names (%s)", async (_, terms) => {
    const { cpus } = registry(terms);
    cpus.register(at(1, 5));
    const refusal = "CPU 1 is registered from 127.0.0.1:1, and not given up";
    expect(() => cpus.register(at(2, 6))).toThrow(refusal);
    expect(() => cpus.register(at(1, 7))).toThrow(refusal);
    expect(cpus.register(at(1, 5))).toMatchObject({ over: false });
    await expect.poll(() => register(cpus, at(2, 8)), { timeout: 5000 }).toBe("taken");
    expect(register(cpus, at(1, 5))).toBe("over");
  });
});
