import type { EventFact } from "../src/index.js";
import { type Labelled, told } from "./labelled.js";

/** One thing that the model does. `vmcs` and `cpu` are taken modulo what exists. */
export interface Step {
  readonly do: "run" | "write" | "recreate" | "loseCpu" | "fenceCpu";
  readonly vmcs: number;
  readonly cpu: number;
}

interface ModelVmcs {
  id: number;
  readonly region: number;
  cpu: number;
  launched: boolean;
  epoch: number;
  /** Contents: here a number that every change raises. */
  digest: number;
}

/**
 * A hypervisor and its CPUs in a few lines, which follow the rules by construction: one VMCS per vcpu, moved by clear, load, launch. It shares nothing
 * with the sanitizer, and says what it does in the same events.
 */
export class ReferenceHost {
  readonly story: Labelled[] = [];
  readonly #vmcss: ModelVmcs[];
  readonly #incarnations: number[];
  readonly #current: (ModelVmcs | undefined)[];
  #operations = 0;
  #ids = 0;
  #digests = 0;

  constructor(
    readonly cpus: number,
    vmcss: number,
  ) {
    this.#current = Array.from({ length: cpus }, () => undefined);
    this.#incarnations = Array.from({ length: cpus }, () => 0);
    this.#vmcss = Array.from({ length: vmcss }, (_, i) => this.#fresh(0x1000 * (i + 1)));
    for (let cpu = 0; cpu < cpus; cpu++) this.#boot(cpu);
    this.#vmcss.forEach((vmcs, vcpu) => {
      this.#operation(vcpu, () => this.#allocate(vmcs, vcpu));
    });
  }

  step({ do: action, vmcs: index, cpu: anyCpu }: Step): void {
    const vcpu = index % this.#vmcss.length;
    const cpu = anyCpu % this.cpus;
    const vmcs = this.#vmcss[vcpu];
    if (vmcs === undefined) return;
    if (action === "loseCpu") this.#loseCpu(cpu);
    else if (action === "fenceCpu") this.#fenceCpu(cpu);
    else if (action === "recreate") this.#operation(vcpu, () => this.#recreate(vmcs, vcpu));
    else {
      this.#operation(vcpu, () => {
        this.#load(vmcs, cpu);
        if (action === "write") this.#write(vmcs);
        else this.#run(vmcs);
      });
    }
  }

  #fresh(region: number): ModelVmcs {
    return { id: ++this.#ids, region, cpu: -1, launched: false, epoch: 0, digest: 0 };
  }

  #recreate(vmcs: ModelVmcs, vcpu: number): void {
    this.#clear(vmcs);
    this.#l0("frees", { kind: "vmcs.freed", vcpu, vmcs: vmcs.id, region: vmcs.region });
    Object.assign(vmcs, this.#fresh(vmcs.region));
    this.#allocate(vmcs, vcpu);
  }

  #allocate(vmcs: ModelVmcs, vcpu: number): void {
    this.#l0("allocates", { kind: "vmcs.allocated", vcpu, vmcs: vmcs.id, region: vmcs.region, role: "vmcs01" });
  }

  #load(vmcs: ModelVmcs, cpu: number): void {
    const activated = vmcs.cpu !== cpu;
    if (!activated && this.#current[cpu] === vmcs) return;
    if (activated) {
      this.#clear(vmcs);
      vmcs.cpu = cpu;
      vmcs.epoch++;
      this.#record(vmcs);
    }
    this.#current[cpu] = vmcs;
    const { region, epoch, digest, launched } = vmcs;
    this.#on(cpu, activated ? "activates" : "selects", {
      kind: "vmcs.load",
      region,
      epoch,
      digest,
      launched,
      activated,
    });
  }

  #clear(vmcs: ModelVmcs): void {
    const { cpu, region, epoch, digest, launched } = vmcs;
    if (cpu === -1) return;
    if (this.#current[cpu] === vmcs) this.#current[cpu] = undefined;
    this.#on(cpu, "clears", { kind: "vmcs.clear", region, epoch, digest, launched, active: true });
    vmcs.cpu = -1;
    vmcs.launched = false;
    this.#record(vmcs);
  }

  #write(vmcs: ModelVmcs): void {
    vmcs.digest = ++this.#digests;
    this.#on(vmcs.cpu, "writes", { kind: "vmcs.write", region: vmcs.region, count: 1 });
  }

  #run(vmcs: ModelVmcs): void {
    const instruction = vmcs.launched ? "vmresume" : "vmlaunch";
    vmcs.digest = ++this.#digests;
    this.#on(vmcs.cpu, "enters", { kind: "vm.entry", region: vmcs.region, instruction });
    if (!vmcs.launched) {
      vmcs.launched = true;
      this.#record(vmcs);
    }
    this.#on(vmcs.cpu, "leaves", { kind: "vm.exit", region: vmcs.region, reason: 12 });
  }

  #boot(cpu: number): void {
    const epoch = (this.#incarnations[cpu] ?? 0) + 1;
    this.#incarnations[cpu] = epoch;
    this.#l0("registers", { kind: "cpu.registered", cpu, epoch });
    this.#on(cpu, "vmxon", { kind: "vmx.on", region: 0xff000 });
  }

  /** The CPU is cut off: its lease ends, then L0's deadline passes, by the one clock of the model. */
  #fenceCpu(cpu: number): void {
    const epoch = this.#incarnations[cpu] ?? 1;
    const count = this.#vmcss.filter((vmcs) => vmcs.cpu === cpu).length;
    this.#on(cpu, "lets go", { kind: "lease.expired", epoch, count });
    this.#l0("fences", { kind: "cpu.fenced", cpu, epoch });
    this.#loseCpu(cpu);
  }

  #loseCpu(cpu: number): void {
    this.#l0("loses", { kind: "cpu.lost", cpu });
    this.#current[cpu] = undefined;
    for (const vmcs of this.#vmcss.filter((other) => other.cpu === cpu)) {
      this.#l0("declares lost", { kind: "vmcs.lost", vmcs: vmcs.id, region: vmcs.region, cpu });
      Object.assign(vmcs, { cpu: -1, launched: false, digest: ++this.#digests });
      this.#record(vmcs);
    }
    this.#boot(cpu);
  }

  #operation(vcpu: number, inside: () => void): void {
    this.#operations++;
    this.#l0("begins", { kind: "op.begin", vcpu, instruction: "step" });
    inside();
    this.#l0("ends", { kind: "op.end", vcpu, instruction: "step", status: "ok", definite: true });
  }

  #record({ id, region, cpu, launched, epoch }: ModelVmcs): void {
    this.#l0("records", { kind: "vmcs.record", vmcs: id, region, cpu, launched, epoch });
  }

  #l0(label: string, fact: Omit<EventFact, "operation">): void {
    this.story.push(told("l0", label, { ...fact, operation: this.#operations }));
  }

  #on(cpu: number, label: string, fact: Omit<EventFact, "operation" | "cpu">): void {
    const incarnation = this.#incarnations[cpu] ?? 1;
    this.story.push({ ...told(`cpu${cpu}`, label, { ...fact, cpu, operation: this.#operations }), incarnation });
  }
}

/** The events of a run of the model. */
export function played(cpus: number, vmcss: number, steps: readonly Step[]): Labelled[] {
  const host = new ReferenceHost(cpus, vmcss);
  for (const step of steps) host.step(step);
  return host.story;
}
