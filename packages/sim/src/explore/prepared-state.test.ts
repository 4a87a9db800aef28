import type { Design, L1Instruction } from "@vmcslab/nested";
import { DEFAULT_DESIGN, VMCS12_REVISION } from "@vmcslab/nested";
import { Field } from "@vmcslab/vmx";
import { describe, expect, it } from "vitest";
import { TestHost } from "../../test-support/test-host.js";
import { VALID_L2, VMXON_REGION, vmcs12Address } from "./guest-image.js";

const NMI = 0x8000_0202n;
const CPUID = 10;

function entered(design: Partial<Design>, poolSize: number): TestHost {
  const host = new TestHost({
    cpus: 2,
    poolSize,
    design: { ...DEFAULT_DESIGN, preparation: "incremental", ...design },
  });
  host.run((l0) => l0.createVcpu({ cpu: 0 }));
  runL1(host, [
    { op: "write32", addr: BigInt(VMXON_REGION), value: VMCS12_REVISION },
    { op: "vmxon", addr: BigInt(VMXON_REGION) },
  ]);
  for (const guest of [1, 0]) {
    const addr = BigInt(vmcs12Address(guest));
    runL1(host, [
      { op: "write32", addr, value: VMCS12_REVISION },
      { op: "vmclear", addr },
      { op: "vmptrld", addr },
      ...VALID_L2.map(([field, value]): L1Instruction => ({ op: "vmwrite", field: BigInt(field), value })),
      { op: "vmwrite", field: BigInt(Field.GUEST_RIP), value: 0x10_0000n + addr },
      { op: "vmlaunch" },
    ]);
    leave(host, 0x2000n);
  }
  return host;
}

function runL1(host: TestHost, instructions: readonly L1Instruction[]): void {
  const answer = host.run((l0) => l0.runL1(0, instructions));
  if (!answer.ok) throw new Error(answer.error.message);
}

function leave(host: TestHost, rip: bigint, reason = CPUID): void {
  host.run((l0) => l0.guestExit({ vcpu: 0, reason, qualification: 0n, guest: [[Field.GUEST_RIP, rip]] }));
}

/** VMWRITEs to the vmcs02 in the operation that entered it last, by the runs that the processor tells. */
function writes({ history }: TestHost): number[] {
  const last = history.findLast(({ kind }) => kind === "nested.enter");
  const own = history.find(({ kind, vmcs }) => kind === "vmcs.allocated" && vmcs === last?.vmcs);
  return history.flatMap(({ kind, operation, region, count }) =>
    kind === "vmcs.write" && operation === last?.operation && region === own?.region ? [count ?? 0] : [],
  );
}

describe("incremental preparation", () => {
  it("writes what L1 changed, and what an exit took away though L1 wants it again: an event is injected every time", () => {
    const host = entered({}, 1);
    const inject: L1Instruction[] = [
      { op: "vmwrite", field: BigInt(Field.VM_ENTRY_INTR_INFO_FIELD), value: NMI },
      { op: "vmresume" },
    ];
    for (let entry = 0; entry < 3; entry++) {
      runL1(host, inject);
      // RIP is what L2 left, in vmcs12 and vmcs02 alike.
      expect(writes(host)).toEqual([1]);
      leave(host, 0x3000n + BigInt(entry));
    }
    expect(host.violations()).toEqual([]);
  });

  it("writes everything to a vmcs02 that ran another vmcs12", () => {
    const host = entered({}, 1);
    runL1(host, [{ op: "vmptrld", addr: BigInt(vmcs12Address(1)) }, { op: "vmresume" }]);
    expect(writes(host)[0]).toBeGreaterThan(80);
    expect(host.violations()).toEqual([]);
  });

  it("goes by each pool entry: with room for both, going back and forth costs what differs", () => {
    const host = entered({}, 2);
    for (const guest of [1, 0, 1]) {
      runL1(host, [
        { op: "vmptrld", addr: BigInt(vmcs12Address(guest)) },
        { op: "vmwrite", field: BigInt(Field.GUEST_RSP), value: 0x9000n + BigInt(guest) },
        { op: "vmresume" },
      ]);
      expect(writes(host)[0]).toBeLessThanOrEqual(2);
      leave(host, 0x4000n);
    }
    expect(host.violations()).toEqual([]);
  });

  it("knows nothing of it after the vmcs02 is freed: VMCLEAR, and it is allocated anew", () => {
    const host = entered({}, 2);
    const addr = BigInt(vmcs12Address(0));
    runL1(host, [{ op: "vmclear", addr }]);
    runL1(host, [{ op: "vmptrld", addr }, { op: "vmlaunch" }]);
    expect(writes(host).at(-1)).toBeGreaterThan(80);
    expect(host.violations()).toEqual([]);
  });

  it("after a move writes what belongs to the CPU, and nothing of L2 that is there already", () => {
    const host = entered({}, 1);
    host.run((l0) => l0.placeVcpu(0, 1));
    runL1(host, [{ op: "vmresume" }]);
    // The three host fields of the CPU; then the event that an exit may have taken away.
    expect(writes(host)).toEqual([3, 1]);
    expect(host.violations()).toEqual([]);
  });

  it("rebuilds a vmcs02 that died with its CPU from what L0 knows, and goes on from there", () => {
    const host = entered({}, 1);
    host.sim.kill(0);
    host.run((l0) => l0.placeVcpu(0, 1));
    runL1(host, [{ op: "vmwrite", field: BigInt(Field.GUEST_RSP), value: 0x9000n }, { op: "vmresume" }]);
    expect(writes(host)).toEqual([3, 2]);
    expect(host.violations()).toEqual([]);
  });
});

describe("a single vmcs02", () => {
  it("is there from VMXON to VMXOFF, whatever vmcs12 L1 clears, and serves one after the other", () => {
    const host = entered({ vmcs02: "single" }, 4);
    const allocated = host.history.filter(({ kind, role }) => kind === "vmcs.allocated" && role === "vmcs02");
    expect(allocated).toHaveLength(1);
    runL1(host, [{ op: "vmclear", addr: BigInt(vmcs12Address(0)) }]);
    expect(host.hypervisor.nestedState(0)?.pool).toHaveLength(1);
    runL1(host, [{ op: "vmptrld", addr: BigInt(vmcs12Address(1)) }, { op: "vmresume" }]);
    expect(host.history.filter(({ kind }) => kind === "pool.recycle")).toHaveLength(2);
    leave(host, 0x2000n);
    runL1(host, [{ op: "vmxoff" }]);
    expect(host.history.filter(({ kind }) => kind === "vmcs.freed")).toHaveLength(1);
    host.run((l0) => l0.destroyVcpu(0));
    expect(host.hypervisor.state.allocator.nodesInUse).toBe(0);
    expect(host.violations()).toEqual([]);
  });

  it("without memory for it L1's VMXON fails, and L1 is not in VMX operation", () => {
    for (const what of ["node", "page"] as const) {
      const host = new TestHost({ cpus: 1, poolSize: 1, design: { ...DEFAULT_DESIGN, vmcs02: "single" } });
      host.run((l0) => l0.createVcpu({ cpu: 0 }));
      host.hypervisor.state.allocator.refuseNext(what, 1);
      const vmxon: L1Instruction[] = [
        { op: "write32", addr: BigInt(VMXON_REGION), value: VMCS12_REVISION },
        { op: "vmxon", addr: BigInt(VMXON_REGION) },
      ];
      expect(host.run((l0) => l0.runL1(0, vmxon))).toMatchObject({ ok: false, error: { code: "noMemory" } });
      expect(host.hypervisor.nestedState(0)).toMatchObject({ vmxon: false, pool: [] });
      expect(host.run((l0) => l0.runL1(0, vmxon))).toMatchObject({ ok: true });
      host.run((l0) => l0.destroyVcpu(0));
      expect(host.violations()).toEqual([]);
    }
  });
});

describe("clearing several VMCSs", () => {
  it.each([
    ["oneByOne", [1, 1, 1]],
    ["perCpu", [1, 2]],
    ["atOnce", [3]],
  ] as const)("%s: so many cross-CPU clears go out before one is waited for: %j", (clearing, together) => {
    const host = new TestHost({ cpus: 3, poolSize: 4, design: { ...DEFAULT_DESIGN, clearing }, latency: () => 1_000 });
    host.run((l0) => l0.createVcpu({ cpu: 0 }));
    runL1(host, [
      { op: "write32", addr: BigInt(VMXON_REGION), value: VMCS12_REVISION },
      { op: "vmxon", addr: BigInt(VMXON_REGION) },
    ]);
    // Two on CPU 1, one on CPU 2.
    for (const [guest, cpu] of [
      [0, 1],
      [1, 1],
      [2, 2],
    ] as const) {
      host.run((l0) => l0.placeVcpu(0, cpu));
      const addr = BigInt(vmcs12Address(guest));
      runL1(host, [
        { op: "write32", addr, value: VMCS12_REVISION },
        { op: "vmclear", addr },
        { op: "vmptrld", addr },
        ...VALID_L2.map(([field, value]): L1Instruction => ({ op: "vmwrite", field: BigInt(field), value })),
        { op: "vmlaunch" },
      ]);
      leave(host, 0x2000n);
    }
    host.run((l0) => l0.placeVcpu(0, 0));
    const before = host.history.length;
    runL1(host, [{ op: "vmxoff" }]);
    const ipis = host.history
      .slice(before)
      .flatMap(({ kind }) => (kind === "ipi.sent" || kind === "ipi.acked" ? [kind] : []));
    const expected = together.flatMap((count) => [
      ...Array.from({ length: count }, () => "ipi.sent"),
      ...Array.from({ length: count }, () => "ipi.acked"),
    ]);
    expect(ipis).toEqual(expected);
    host.run((l0) => l0.destroyVcpu(0));
    expect(host.violations()).toEqual([]);
  });
});
