import { FieldStore, PAGE_BYTES } from "@vmcslab/vmx";
import { applyFields, nonZeroFields } from "../field-values.js";
import type { CpuRecord, JournalRecord, NextNumbers, PageRecord, VcpuRecord, VmcsRecord } from "./record.js";

/** A VMCS as the journal has it. */
export interface VmcsImage {
  readonly home: FieldStore;
  readonly known: FieldStore;
  /** Everything else. */
  facts: Omit<VmcsRecord, "home" | "known">;
}

/** A vcpu as the journal has it. */
export interface VcpuImage {
  readonly vmcs12: FieldStore;
  readonly vmcss: Map<number, VmcsImage>;
  facts: Omit<VcpuRecord, "vmcs12" | "vmcss">;
}

/** A page of L1's memory as the journal has it. */
export interface PageImage {
  readonly words: Uint32Array;
  launchInitialised: boolean;
}

const PAGE_WORDS = PAGE_BYTES / 4;

/** What all records of a journal come to. */
export class JournalImage {
  readonly vcpus = new Map<number, VcpuImage>();
  /** By VM, then by guest-physical address. */
  readonly pages = new Map<number, Map<number, PageImage>>();
  readonly cpus = new Map<number, CpuRecord>();
  next: NextNumbers = { operation: 1, vcpu: 0, vm: 0, vmcs: 1 };

  apply({ next, vcpus, destroyed, pages, cpus }: JournalRecord): void {
    // Operations overlap: one that was recorded later may know less of what was given out.
    this.next = {
      operation: Math.max(this.next.operation, next.operation),
      vcpu: Math.max(this.next.vcpu, next.vcpu),
      vm: Math.max(this.next.vm, next.vm),
      vmcs: Math.max(this.next.vmcs, next.vmcs),
    };
    for (const vcpu of vcpus) this.#applyVcpu(vcpu);
    for (const id of destroyed) this.vcpus.delete(id);
    for (const page of pages) this.#applyPage(page);
    for (const cpu of cpus) this.cpus.set(cpu.number, cpu);
    if (destroyed.length > 0) this.#forgetVms();
  }

  /** Records that come to the same, from nothing. */
  records(): JournalRecord[] {
    const { next } = this;
    const none = { next, vcpus: [], destroyed: [], pages: [], cpus: [] };
    return [
      { ...none, cpus: [...this.cpus.values()] },
      ...[...this.vcpus.values()].map((vcpu) => ({ ...none, vcpus: [vcpuRecord(vcpu)] })),
      ...[...this.pages].flatMap(([vm, pages]) =>
        [...pages].map(([address, page]) => ({ ...none, pages: [pageRecord(vm, address, page)] })),
      ),
    ];
  }

  #applyVcpu({ vmcs12, vmcss, ...facts }: VcpuRecord): void {
    let vcpu = this.vcpus.get(facts.id);
    if (vcpu === undefined) {
      vcpu = { vmcs12: new FieldStore(), vmcss: new Map(), facts };
      this.vcpus.set(facts.id, vcpu);
    }
    vcpu.facts = facts;
    applyFields(vmcs12, vcpu.vmcs12);
    for (const vmcs of vmcss) applyVmcs(vcpu, vmcs);
    const used = new Set([facts.vmcs01, facts.spareVmcs02, ...facts.pool.map((entry) => entry.vmcs)]);
    for (const id of [...vcpu.vmcss.keys()]) if (!used.has(id)) vcpu.vmcss.delete(id);
  }

  #applyPage({ vm, address, launchInitialised, offsets, values }: PageRecord): void {
    const pages = this.pages.get(vm) ?? new Map<number, PageImage>();
    this.pages.set(vm, pages);
    const page = pages.get(address) ?? { words: new Uint32Array(PAGE_WORDS), launchInitialised };
    pages.set(address, page);
    page.launchInitialised = launchInitialised;
    offsets.forEach((offset, i) => {
      page.words[offset] = values[i] ?? 0;
    });
  }

  /** A VM's memory goes with its last vcpu. */
  #forgetVms(): void {
    const used = new Set([...this.vcpus.values()].map((vcpu) => vcpu.facts.vm));
    for (const vm of [...this.pages.keys()]) if (!used.has(vm)) this.pages.delete(vm);
  }
}

function applyVmcs(vcpu: VcpuImage, { home, known, ...facts }: VmcsRecord): void {
  let vmcs = vcpu.vmcss.get(facts.id);
  if (vmcs === undefined) {
    vmcs = { home: new FieldStore(), known: new FieldStore(), facts };
    vcpu.vmcss.set(facts.id, vmcs);
  }
  vmcs.facts = facts;
  applyFields(home, vmcs.home);
  applyFields(known, vmcs.known);
}

function vcpuRecord({ facts, vmcs12, vmcss }: VcpuImage): VcpuRecord {
  return {
    ...facts,
    vmcs12: nonZeroFields(vmcs12),
    vmcss: [...vmcss.values()].map((vmcs) => ({
      ...vmcs.facts,
      home: nonZeroFields(vmcs.home),
      known: nonZeroFields(vmcs.known),
    })),
  };
}

function pageRecord(vm: number, address: number, { words, launchInitialised }: PageImage): PageRecord {
  const offsets: number[] = [];
  const values: number[] = [];
  words.forEach((word, offset) => {
    if (word === 0) return;
    offsets.push(offset);
    values.push(word);
  });
  return { vm, address, launchInitialised, offsets, values };
}
