import { type Fact, type Labelled, told } from "./labelled.js";

/** vmcs01 and the vmcs02 of the story. */
export const A = { vmcs: 1, region: 0x1000 };
export const B = { vmcs: 2, region: 0x2000 };
const VMPTR = 0x7000;

/** One operation of vcpu 0: its begin and end around what happens in it. */
function operation(
  number: number,
  instruction: string,
  vcpu: number | undefined,
  inside: readonly Labelled[],
): Labelled[] {
  const named: Fact = { kind: "op.begin", instruction, ...(vcpu === undefined ? {} : { vcpu }) };
  return [
    told("l0", `begins ${instruction}`, named),
    ...inside,
    told("l0", `ends ${instruction}`, { ...named, kind: "op.end", status: "ok", definite: true }),
  ].map((told) => ({ ...told, fact: { ...told.fact, operation: number } }));
}

function record(label: string, { vmcs, region }: typeof A, cpu: number, launched: boolean, epoch: number): Labelled {
  return told("l0", label, { kind: "vmcs.record", vmcs, region, cpu, launched, epoch });
}

function clear(cpu: number, label: string, { region }: typeof A, epoch: number, digest: number): Labelled {
  return told(`cpu${cpu}`, label, { kind: "vmcs.clear", cpu, region, epoch, digest, active: true, launched: true });
}

function load(cpu: number, label: string, { region }: typeof A, epoch: number, digest: number): Labelled {
  return told(`cpu${cpu}`, label, { kind: "vmcs.load", cpu, region, epoch, digest, activated: true, launched: false });
}

function entry(cpu: number, label: string, { region }: typeof A, instruction: "vmlaunch" | "vmresume"): Labelled {
  return told(`cpu${cpu}`, label, { kind: "vm.entry", cpu, region, instruction });
}

function exit(cpu: number, label: string, { region }: typeof A, reason: number): Labelled {
  return told(`cpu${cpu}`, label, { kind: "vm.exit", cpu, region, reason });
}

function initialised(what: typeof A, name: string, role: "vmcs01" | "vmcs02"): Labelled[] {
  const { region } = what;
  return [
    told("l0", `allocates ${name}`, { kind: "vmcs.allocated", vcpu: 0, role, ...what }),
    told("cpu0", `initialises ${name}`, {
      kind: "vmcs.clear",
      cpu: 0,
      region,
      epoch: 0,
      active: false,
      launched: false,
      digest: 5,
    }),
    record(`records ${name} initialised`, what, -1, false, 0),
  ];
}

/** A cross-CPU clear from CPU 1 to CPU 0. */
function crossCpuClear(what: typeof A, name: string, digest: number): Labelled[] {
  const ipi = { from: 1, to: 0, epoch: 1, ...what };
  return [
    told("l0", `sends the IPI for ${name}`, { kind: "ipi.sent", ...ipi }),
    clear(0, `clears ${name}`, what, 1, digest),
    record(`records ${name} nowhere`, what, -1, false, 1),
    told("l0", `hears of ${name}`, { kind: "ipi.acked", ...ipi }),
  ];
}

/**
 * A vcpu's whole life: created and run on CPU 0, L2 entered there, moved to CPU 1 while in L2, back in L1 on CPU 1, VMXOFF, destroyed.
 * A is its vmcs01, B its vmcs02.
 */
export const LIFE: readonly Labelled[] = [
  ...[0, 1].flatMap((cpu) => [
    told("l0", `registers CPU ${cpu}`, { kind: "cpu.registered", cpu, epoch: 1 }),
    told(`cpu${cpu}`, "vmxon", { kind: "vmx.on", cpu, region: 0xf000 + cpu * 0x1000 }),
  ]),
  ...operation(1, "create", undefined, [
    ...initialised(A, "A", "vmcs01"),
    told("l0", "created", { kind: "vcpu.created", vcpu: 0, cpu: 0, count: 1 }),
    record("records A on CPU 0", A, 0, false, 1),
    load(0, "loads A", A, 1, 10),
    entry(0, "launches A", A, "vmlaunch"),
    record("records A launched on CPU 0", A, 0, true, 1),
  ]),
  ...operation(2, "enter", 0, [
    exit(0, "leaves A for VMLAUNCH", A, 20),
    ...initialised(B, "B", "vmcs02"),
    told("l0", "pools B", { kind: "pool.allocate", vcpu: 0, vmptr: VMPTR, vmcs: 2, count: 1, order: [VMPTR] }),
    record("records B on CPU 0", B, 0, false, 1),
    load(0, "loads B", B, 1, 20),
    told("cpu0", "writes B", { kind: "vmcs.write", cpu: 0, region: B.region, count: 3 }),
    entry(0, "launches B", B, "vmlaunch"),
    record("records B launched on CPU 0", B, 0, true, 1),
    told("l0", "entered L2", { kind: "nested.enter", vcpu: 0, cpu: 0, vmptr: VMPTR, vmcs: 2, instruction: "vmlaunch" }),
  ]),
  ...operation(3, "place", 0, [
    exit(0, "leaves B for the move", B, 1),
    ...crossCpuClear(B, "B", 21),
    told("l0", "moved", { kind: "vcpu.placed", vcpu: 0, from: 0, to: 1 }),
    record("records B on CPU 1", B, 1, false, 2),
    load(1, "loads B", B, 2, 21),
    entry(1, "launches B", B, "vmlaunch"),
    record("records B launched on CPU 1", B, 1, true, 2),
  ]),
  ...operation(4, "exit", 0, [
    exit(1, "leaves B for VMCALL", B, 18),
    told("l0", "left L2", { kind: "nested.exit", vcpu: 0, vmptr: VMPTR, reason: 18, toL1: true }),
    ...crossCpuClear(A, "A", 11),
    record("records A on CPU 1", A, 1, false, 2),
    load(1, "loads A", A, 2, 11),
    entry(1, "launches A", A, "vmlaunch"),
    record("records A launched on CPU 1", A, 1, true, 2),
  ]),
  ...operation(5, "vmxoff", 0, [
    exit(1, "leaves A for VMXOFF", A, 26),
    clear(1, "clears B", B, 2, 22),
    record("records B nowhere at last", B, -1, false, 2),
    told("l0", "unpools B", { kind: "pool.free", vcpu: 0, vmptr: VMPTR, vmcs: 2, count: 1, order: [] }),
    told("l0", "frees B", { kind: "vmcs.freed", vcpu: 0, ...B }),
    told("l0", "emulated VMXOFF", { kind: "l1.instruction", vcpu: 0, instruction: "vmxoff", status: "succeed" }),
    entry(1, "resumes A", A, "vmresume"),
  ]),
  ...operation(6, "destroy", 0, [
    exit(1, "leaves A for good", A, 1),
    clear(1, "clears A", A, 2, 12),
    record("records A nowhere at last", A, -1, false, 2),
    told("l0", "frees A", { kind: "vmcs.freed", vcpu: 0, ...A }),
    told("l0", "destroyed", { kind: "vcpu.destroyed", vcpu: 0 }),
  ]),
];
