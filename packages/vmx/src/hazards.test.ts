/** The rules of SDM 24.11.1 and 24.11.5: broken ones are named, and something legal happens. */
import { expect, test } from "vitest";
import { HAZARD_RULES, Hazard, storeHazard } from "./hazards.js";
import { Op } from "./instruction.js";
import { TestMachine, VMCS_A, VMXON_REGION } from "./testing/test-machine.js";

test("every hazard has its rule, at its number", () => {
  expect(HAZARD_RULES.map((rule) => rule.name)).toEqual(Object.keys(Hazard));
});

test("a VMCS active on two processors", () => {
  const machine = new TestMachine({ cpus: 2 }).withCurrent();
  machine.vmxon(1);
  expect(machine.vmptrld(VMCS_A, 1).hazard).toBe(Hazard.activeOnTwoProcessors);
  expect(machine.vmptrld(VMCS_A, 1).hazard).toBe(Hazard.none);
});

test("a VMCS that moves with VMCLEAR breaks no rule", () => {
  const machine = new TestMachine({ cpus: 2 }).withCurrent();
  machine.vmxon(1);
  expect(machine.vmclear(VMCS_A).hazard).toBe(Hazard.none);
  expect(machine.vmptrld(VMCS_A, 1).hazard).toBe(Hazard.none);
});

test("VMCLEAR of a VMCS that is active elsewhere", () => {
  const machine = new TestMachine({ cpus: 2 }).withCurrent();
  machine.vmxon(1);
  expect(machine.vmclear(VMCS_A, 1).hazard).toBe(Hazard.clearedWhileActiveElsewhere);
});

test("ordinary stores over an active VMCS and over a VMXON region in use", () => {
  const machine = new TestMachine().withCurrent();
  expect(storeHazard(machine.memory, VMCS_A + 8)).toBe(Hazard.activeVmcsWritten);
  expect(storeHazard(machine.memory, VMXON_REGION)).toBe(Hazard.vmxonRegionWritten);
  machine.vmclear(VMCS_A);
  machine.run(0, { op: Op.vmxoff });
  expect(storeHazard(machine.memory, VMCS_A)).toBe(Hazard.none);
  expect(storeHazard(machine.memory, VMXON_REGION)).toBe(Hazard.none);
});

test("an entry without a VMCLEAR before", () => {
  const machine = new TestMachine();
  machine.vmxon();
  machine.vmptrld(VMCS_A);
  expect(machine.run(0, { op: Op.vmlaunch }).hazard).toBe(Hazard.launchStateUninitialised);
});

test("VMXOFF with an active VMCS; one VMXON region for two processors", () => {
  const machine = new TestMachine({ cpus: 2 }).withCurrent();
  expect(machine.run(1, { op: Op.vmxon, low: VMXON_REGION }).hazard).toBe(Hazard.vmxonRegionShared);
  expect(machine.run(0, { op: Op.vmxoff }).hazard).toBe(Hazard.activeAtVmxoff);
});

test("a region in both roles: a VMXON region as VMCS, an active VMCS as VMXON region", () => {
  const machine = new TestMachine({ cpus: 2 });
  machine.vmxon();
  machine.vmxon(1);
  expect(machine.vmclear(VMXON_REGION, 1).hazard).toBe(Hazard.vmxonRegionUsedAsVmcs);
  expect(machine.vmptrld(VMXON_REGION, 1).hazard).toBe(Hazard.vmxonRegionUsedAsVmcs);

  const other = new TestMachine({ cpus: 2 }).withCurrent();
  expect(other.run(1, { op: Op.vmxon, low: VMCS_A }).hazard).toBe(Hazard.activeVmcsUsedAsVmxonRegion);
});
