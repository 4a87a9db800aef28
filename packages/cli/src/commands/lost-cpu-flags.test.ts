import { afterEach, expect, test } from "vitest";
import { lostCpuOptions } from "./lost-cpu-flags.js";

afterEach(() => {
  delete process.env.LOST_CPU;
  delete process.env.CPU_LEASE;
});

test("nothing said: nothing chosen", () => {
  expect(lostCpuOptions({})).toEqual({});
});

test("a policy and its lease, from flags, else from the environment", () => {
  expect(lostCpuOptions({ lostCpu: "fence", lease: "1.5s" })).toEqual({ lostCpu: "fence", leaseMs: 1500 });
  process.env.LOST_CPU = "kill";
  process.env.CPU_LEASE = "250ms";
  expect(lostCpuOptions({})).toEqual({ lostCpu: "kill", leaseMs: 250 });
  expect(lostCpuOptions({ lease: "1min" })).toEqual({ lostCpu: "kill", leaseMs: 60_000 });
});

test.each([
  [{ lostCpu: "fense" }, '--lost-cpu: "fense" is not one of wait, fence, kill; did you mean "fence"?'],
  [{ lostCpu: "fence", lease: "5" }, '--lease: "5" is not a duration; write 500ms, 5s or 1min'],
  [{ lostCpu: "fence", lease: "20ms" }, "--lease: 20ms is not between 100ms and 60min"],
  [{ lease: "5s" }, "--lease: L0 grants leases only with --lost-cpu fence or kill"],
  [{ lostCpu: "wait", lease: "5s" }, "--lease: L0 grants leases only with --lost-cpu fence or kill"],
])("%j is refused", (flags, message) => {
  expect(() => lostCpuOptions(flags)).toThrow(message);
});
