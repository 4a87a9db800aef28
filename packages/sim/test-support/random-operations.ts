import { type HistoryEvent, Sanitizer } from "@vmcslab/history";
import { type Answer, type L1Instruction, type Operation, type OperationError, VMCS12_REVISION } from "@vmcslab/nested";
import { CPU_MODELS, DEFAULT_CPU_MODEL } from "@vmcslab/vmx";
import fc from "fast-check";
import { expect } from "vitest";
import { Board, type LinkFault, type Links } from "../src/board.js";
import { VALID_L2 } from "../src/explore/guest-image.js";
import { InMemoryHistory } from "../src/in-memory-history.js";

export const CPUS = 3;
const VMXON_REGION = 0x1000n;
const VMPTRS = [0x3000n, 0x4000n, 0x5000n];

export function newBoard(poolSize: number, links?: Links): { board: Board; history: readonly HistoryEvent[] } {
  const history = new InMemoryHistory("test");
  const model = CPU_MODELS[DEFAULT_CPU_MODEL];
  if (model === undefined) throw new Error("the default model exists");
  const board = new Board({
    cpus: CPUS,
    ...(links === undefined ? {} : { links }),
    poolSize,
    memoryPages: 64,
    l1MemoryBytes: 1 << 20,
    model,
    emit: history.record,
  });
  return { board, history: history.events };
}

function build(addr: bigint): L1Instruction[] {
  return [
    { op: "write32", addr, value: VMCS12_REVISION },
    { op: "vmclear", addr },
    { op: "vmptrld", addr },
    ...VALID_L2.map(([field, value]): L1Instruction => ({ op: "vmwrite", field: BigInt(field), value })),
  ];
}

/** L0's records against the processors: invariants 1, 3 and 6 by looking, not by history. */
export function expectTruth(board: Board): void {
  const { state } = board.hypervisor;
  for (const vcpu of state.vcpus.values()) {
    for (const vmcs of [vcpu.vmcs01, ...vcpu.pool.map((entry) => entry.vmcs)]) {
      expect(vmcs.freed).toBe(false);
      for (const number of board.cpuNumbers) {
        if (!board.isAlive(number)) continue;
        const processor = board.processor(number);
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

export function violationsOf(history: readonly HistoryEvent[]): string[] {
  const sanitizer = new Sanitizer();
  for (const event of history) sanitizer.observe(event);
  return sanitizer.finish({ complete: true }).violations.map(({ invariant, message }) => `${invariant}: ${message}`);
}

export type Step =
  | { readonly kind: "create"; readonly cpu: number; readonly pool: number }
  | { readonly kind: "destroy" | "vmxon" | "vmxoff" | "launch" | "resume"; readonly vcpu: number }
  | { readonly kind: "build" | "load" | "clear"; readonly vcpu: number; readonly vmptr: number }
  | { readonly kind: "exit"; readonly vcpu: number; readonly reason: number }
  | { readonly kind: "place"; readonly vcpu: number; readonly cpu: number }
  | { readonly kind: "offline" | "online" | "kill" | "restart"; readonly cpu: number }
  | { readonly kind: "drop"; readonly cpu: number; readonly fault: LinkFault }
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

/** The operation that a step begins; undefined for one that is done to the host from outside, which is done at once. */
export function begin(board: Board, step: Step): Operation<unknown> | undefined {
  const { hypervisor } = board;
  switch (step.kind) {
    case "create":
      return hypervisor.createVcpu({ cpu: step.cpu, poolSize: step.pool });
    case "destroy":
      return hypervisor.destroyVcpu(step.vcpu);
    case "vmxon":
      return hypervisor.runL1(step.vcpu, [
        { op: "write32", addr: VMXON_REGION, value: VMCS12_REVISION },
        { op: "vmxon", addr: VMXON_REGION },
      ]);
    case "vmxoff":
      return hypervisor.runL1(step.vcpu, [{ op: "vmxoff" }]);
    case "launch":
      return hypervisor.runL1(step.vcpu, [{ op: "vmlaunch" }]);
    case "resume":
      return hypervisor.runL1(step.vcpu, [{ op: "vmresume" }]);
    case "build":
      return hypervisor.runL1(step.vcpu, build(VMPTRS[step.vmptr] ?? 0n));
    case "load":
      return hypervisor.runL1(step.vcpu, [{ op: "vmptrld", addr: VMPTRS[step.vmptr] ?? 0n }]);
    case "clear":
      return hypervisor.runL1(step.vcpu, [{ op: "vmclear", addr: VMPTRS[step.vmptr] ?? 0n }]);
    case "exit":
      return hypervisor.guestExit({
        vcpu: step.vcpu,
        reason: step.reason,
        qualification: 0n,
        guest: [[0x681e, 0x1234n]],
      });
    case "place":
      return hypervisor.placeVcpu(step.vcpu, step.cpu);
    case "offline":
      return hypervisor.offlineCpu(step.cpu);
    case "online":
      return board.isAlive(step.cpu) ? hypervisor.onlineCpu(step.cpu) : undefined;
    case "kill":
      if (board.isAlive(step.cpu)) board.kill(step.cpu);
      return undefined;
    case "restart":
      if (!board.isAlive(step.cpu)) board.register(step.cpu);
      return undefined;
    case "drop":
      board.injectFault(step.cpu, step.fault, 1);
      return undefined;
    case "refuse":
      hypervisor.state.allocator.refuseNext(step.what, 1);
      return undefined;
  }
}

/** An operation may be refused for these reasons, however it was interleaved. Never for an outcome that the protocol excludes. */
export function expectOrderly(answer: Answer<unknown>, ...also: readonly OperationError["code"][]): void {
  const codes = ["notFound", "failedPrecondition", "noMemory", "cpuUnavailable", ...also];
  if (!answer.ok) expect(codes).toContain(answer.error.code);
}

/** Everything is destroyed, on CPUs that are all up: what is left over is a leak. */
export function expectNothingLeft(board: Board): void {
  const { hypervisor } = board;
  for (const number of board.cpuNumbers) {
    if (!board.isAlive(number)) board.register(number);
    expect(board.run(hypervisor.onlineCpu(number))).toMatchObject({ ok: true });
  }
  for (const { vcpu: id } of hypervisor.listVcpus())
    expect(board.run(hypervisor.destroyVcpu(id))).toEqual({ ok: true, value: undefined });
  const { allocator } = hypervisor.state;
  expect({ pages: allocator.pagesInUse, nodes: allocator.nodesInUse }).toEqual({ pages: CPUS, nodes: 0 });
  for (const number of board.cpuNumbers) expect(board.processor(number).activeVmcss()).toEqual([]);
}
