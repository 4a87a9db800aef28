import { describe, expect, it } from "vitest";
import type { Fault, HostFault } from "./fault.js";
import { FaultDriver, type FaultFact } from "./fault-driver.js";
import { RandomStream } from "./random/random-stream.js";

const SECOND = 1_000_000_000;

/** A driver whose time is moved by hand; `begun` has the lease that each fault was begun with. */
function driving(faults: readonly Fault[]) {
  const timers = new Map<() => void, number>();
  const listeners: [string, () => void][] = [];
  const facts: FaultFact[] = [];
  const begun: (number | undefined)[] = [];
  let nowNs = 0;
  const driver = new FaultDriver({
    faults,
    cpus: 4,
    random: new RandomStream("1"),
    begin: (_fault, _cpu, forNs) => {
      begun.push(forNs);
      return () => 1;
    },
    after: (delayNs, callback) => {
      const fire = (): void => callback();
      timers.set(fire, nowNs + delayNs);
      return { cancel: () => void timers.delete(fire) };
    },
    emit: (fact) => facts.push(fact),
    onEvent: (kind, listener) => listeners.push([kind, listener]),
  });
  const pass = (byNs: number): void => {
    const untilNs = nowNs + byNs;
    for (;;) {
      const [next] = [...timers].filter(([, dueNs]) => dueNs <= untilNs).sort(([, a], [, b]) => a - b);
      if (next === undefined) break;
      const [fire, dueNs] = next;
      timers.delete(fire);
      nowNs = dueNs;
      fire();
    }
    nowNs = untilNs;
  };
  const happen = (kind: string): void => {
    for (const [heard, listener] of listeners) if (heard === kind) listener();
  };
  return { driver, facts, begun, pass, happen };
}

const partition = (more: Partial<HostFault> = {}): HostFault => ({ ...more, action: { kind: "partition", cpu: 1 } });

describe("a fault that is driven", () => {
  it("ends by its lease", () => {
    const { driver, facts, begun, pass } = driving([partition({ forNs: 3 * SECOND })]);
    driver.start();
    pass(3 * SECOND - 1);
    expect([driver.acting, begun]).toEqual([1, [3 * SECOND]]);
    pass(1);
    expect(driver.acting).toBe(0);
    expect(facts.map(({ kind }) => kind)).toEqual(["fault.injected", "fault.healed"]);
  });

  it("without a lease lasts until everything is healed, whatever its kind's default is", () => {
    const { driver, begun, pass } = driving([partition()]);
    driver.start();
    pass(3600 * SECOND);
    expect([driver.acting, begun]).toEqual([1, [undefined]]);
    driver.healAll();
    expect([driver.acting, driver.isDone]).toEqual([0, true]);
  });

  it("ends so long after its lease was renewed", () => {
    const fault = partition({ forNs: SECOND });
    const { driver, pass } = driving([fault]);
    driver.start();
    pass(SECOND / 2);
    expect(driver.renew(fault, 2 * SECOND)).toBe(true);
    pass(2 * SECOND - 1);
    expect(driver.acting).toBe(1);
    pass(1);
    expect(driver.acting).toBe(0);
    expect(driver.renew(fault, SECOND)).toBe(false);
  });

  it("whose lease was renewed before it began lasts that long when it begins", () => {
    const fault = partition({ on: { event: "ipi.sent" }, forNs: SECOND });
    const { driver, begun, pass, happen } = driving([fault]);
    driver.start();
    expect(driver.renew(fault, 5 * SECOND)).toBe(false);
    happen("ipi.sent");
    pass(5 * SECOND - 1);
    expect([driver.acting, begun]).toEqual([1, [5 * SECOND]]);
    pass(1);
    expect(driver.acting).toBe(0);
  });

  it("begins at the n-th event of its kind, not in the midst of what states it", () => {
    const { driver, pass, happen } = driving([partition({ on: { event: "ipi.sent", nth: 2 }, forNs: SECOND })]);
    driver.start();
    for (const kind of ["ipi.sent", "vmclear", "ipi.sent"]) happen(kind);
    expect(driver.acting).toBe(0);
    pass(0);
    expect(driver.acting).toBe(1);
  });

  it("begins as often as it is to, counted from each end", () => {
    const repeat = { times: 3, every: { constant: SECOND } };
    const { driver, facts, pass } = driving([partition({ forNs: SECOND, repeat })]);
    driver.start();
    pass(4 * SECOND + 1);
    expect([driver.injected, driver.healed, driver.isDone]).toEqual([3, 2, false]);
    pass(SECOND);
    expect([driver.injected, driver.healed, driver.isDone]).toEqual([3, 3, true]);
    expect(facts.at(-1)).toMatchObject({ kind: "fault.healed", cause: "partition#0", cpu: 1, count: 1 });
  });
});
