import type { MessageAction } from "@vmcslab/faults";
import {
  type Answer,
  type Hypervisor,
  type L1Instruction,
  type Operation,
  type OperationError,
  VMCS12_REVISION,
} from "@vmcslab/nested";
import fc from "fast-check";
import { expect } from "vitest";
import { VALID_L2 } from "../src/explore/guest-image.js";
import type { TestHost } from "./test-host.js";

export const CPUS = 3;
const VMXON_REGION = 0x1000n;
const VMPTRS = [0x3000n, 0x4000n, 0x5000n];

function build(addr: bigint): L1Instruction[] {
  return [
    { op: "write32", addr, value: VMCS12_REVISION },
    { op: "vmclear", addr },
    { op: "vmptrld", addr },
    ...VALID_L2.map(([field, value]): L1Instruction => ({ op: "vmwrite", field: BigInt(field), value })),
  ];
}

/** L0's records against the processors: invariants 1, 3 and 6 by looking, not by history. */
export function expectTruth({ sim, hypervisor }: TestHost): void {
  for (const vcpu of hypervisor.state.vcpus.values()) {
    for (const vmcs of [vcpu.vmcs01, ...vcpu.pool.map((entry) => entry.vmcs)]) {
      expect(vmcs.freed).toBe(false);
      for (const { cpu: number, isAlive, processor } of sim.cpus) {
        if (!isAlive) continue;
        const believed = vmcs.cpu === number;
        expect({ vmcs: vmcs.id, cpu: number, active: processor.isActive(vmcs.region) }).toEqual({
          vmcs: vmcs.id,
          cpu: number,
          active: believed,
        });
        if (believed) expect(processor.isLaunched(vmcs.region)).toBe(vmcs.launched);
      }
    }
  }
}

/** What becomes of the next batch to a CPU. `unreachable`: it is not sent, and L0 is told so. */
export type Loss = "dropRequest" | "dropReply" | "unreachable";

export type Step =
  | { readonly kind: "create"; readonly cpu: number; readonly pool: number }
  | { readonly kind: "destroy" | "vmxon" | "vmxoff" | "launch" | "resume"; readonly vcpu: number }
  | { readonly kind: "build" | "load" | "clear"; readonly vcpu: number; readonly vmptr: number }
  | { readonly kind: "exit"; readonly vcpu: number; readonly reason: number }
  | { readonly kind: "place"; readonly vcpu: number; readonly cpu: number }
  | { readonly kind: "offline" | "online" | "kill" | "restart"; readonly cpu: number }
  | { readonly kind: "drop"; readonly cpu: number; readonly fault: Loss }
  | { readonly kind: "refuse"; readonly what: "node" | "page" };

const vcpu = fc.nat({ max: 3 });
const cpu = fc.nat({ max: CPUS - 1 });
const vmptr = fc.nat({ max: VMPTRS.length - 1 });
export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("create" as const), cpu, pool: fc.nat({ max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("destroy" as const, "vmxoff" as const), vcpu }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constantFrom("vmxon" as const, "launch" as const, "resume" as const), vcpu }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constantFrom("build" as const, "load" as const, "clear" as const), vcpu, vmptr }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("exit" as const), vcpu, reason: fc.constantFrom(10, 12, 18, 48) }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("place" as const), vcpu, cpu }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom("offline" as const, "online" as const, "kill" as const, "restart" as const),
      cpu,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("refuse" as const),
      what: fc.constantFrom("node" as const, "page" as const),
    }),
  },
);

/** As {@link anyStep}, with requests and replies that get lost. */
export const anyStepOrLoss: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: anyStep },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("drop" as const),
      cpu,
      fault: fc.constantFrom("dropRequest" as const, "dropReply" as const, "unreachable" as const),
    }),
  },
);

type Begin = (hypervisor: Hypervisor) => Operation<unknown>;

/** The operation that a step begins; undefined for one that is done to the host from outside, which is done at once. */
export function begin(host: TestHost, step: Step): Begin | undefined {
  switch (step.kind) {
    case "create":
      return (hypervisor) => hypervisor.createVcpu({ cpu: step.cpu, poolSize: step.pool });
    case "destroy":
      return (hypervisor) => hypervisor.destroyVcpu(step.vcpu);
    case "vmxon":
      return runL1(
        step.vcpu,
        { op: "write32", addr: VMXON_REGION, value: VMCS12_REVISION },
        { op: "vmxon", addr: VMXON_REGION },
      );
    case "vmxoff":
      return runL1(step.vcpu, { op: "vmxoff" });
    case "launch":
      return runL1(step.vcpu, { op: "vmlaunch" });
    case "resume":
      return runL1(step.vcpu, { op: "vmresume" });
    case "build":
      return runL1(step.vcpu, ...build(VMPTRS[step.vmptr] ?? 0n));
    case "load":
      return runL1(step.vcpu, { op: "vmptrld", addr: VMPTRS[step.vmptr] ?? 0n });
    case "clear":
      return runL1(step.vcpu, { op: "vmclear", addr: VMPTRS[step.vmptr] ?? 0n });
    case "exit":
      return (hypervisor) =>
        hypervisor.guestExit({ vcpu: step.vcpu, reason: step.reason, qualification: 0n, guest: [[0x681e, 0x1234n]] });
    case "place":
      return (hypervisor) => hypervisor.placeVcpu(step.vcpu, step.cpu);
    case "offline":
      return (hypervisor) => hypervisor.offlineCpu(step.cpu);
    case "online":
      return (hypervisor) => hypervisor.onlineCpu(step.cpu);
    case "kill":
      host.sim.kill(step.cpu);
      return undefined;
    case "restart":
      host.sim.cpus[step.cpu]?.start();
      return undefined;
    case "drop":
      host.strikeNext(step.cpu, actionOf(step.fault));
      return undefined;
    case "refuse":
      host.hypervisor.state.allocator.refuseNext(step.what, 1);
      return undefined;
  }
}

function runL1(vcpu: number, ...instructions: L1Instruction[]): Begin {
  return (hypervisor) => hypervisor.runL1(vcpu, instructions);
}

function actionOf(loss: Loss): MessageAction {
  return loss === "unreachable" ? { kind: "error", definite: true } : { kind: loss };
}

/** An operation may be refused for these reasons, however it was interleaved. Never for an outcome that the protocol excludes. */
export function expectOrderly(answer: Answer<unknown>, ...also: readonly OperationError["code"][]): void {
  const codes = ["notFound", "failedPrecondition", "noMemory", "cpuUnavailable", ...also];
  if (!answer.ok) expect(codes).toContain(answer.error.code);
}

/** Everything is destroyed, on CPUs that are all up: what is left over is a leak. */
export function expectNothingLeft(host: TestHost): void {
  const { sim, hypervisor } = host;
  for (const cpu of sim.cpus) cpu.start();
  host.waitUntilWhole();
  for (const { cpu } of sim.cpus) expect(host.run((l0) => l0.onlineCpu(cpu))).toMatchObject({ ok: true });
  for (const { vcpu } of hypervisor.listVcpus())
    expect(host.run((l0) => l0.destroyVcpu(vcpu))).toEqual({ ok: true, value: undefined });
  const { allocator } = hypervisor.state;
  expect({ pages: allocator.pagesInUse, nodes: allocator.nodesInUse }).toEqual({ pages: CPUS, nodes: 0 });
  for (const { processor } of sim.cpus) expect(processor.activeVmcss()).toEqual([]);
}
