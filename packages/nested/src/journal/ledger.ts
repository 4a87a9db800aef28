import { FieldStore, PAGE_BYTES, type Page } from "@vmcslab/vmx";
import { changedFields } from "../field-values.js";
import type { HostCpu } from "../host/host-cpu.js";
import type { HostState } from "../host/host-state.js";
import type { LoadedVmcs } from "../host/loaded-vmcs.js";
import type { Vcpu, Vm } from "../host/vcpu.js";
import { JournalImage, type PageImage, type VmcsImage } from "./image.js";
import type { CpuRecord, JournalRecord, NextNumbers, PageRecord, VcpuRecord, VmcsRecord } from "./record.js";

const ZEROS = new FieldStore();

/**
 * Knows what the journal holds, and makes records of what is different now. A vcpu is recorded when one of its operations has ended and nothing of it is in doubt, so the journal holds
 * whole operations: after a restart one that was not recorded has not happened.
 */
export class Ledger {
  readonly image: JournalImage;
  /** `version` of each page as it was recorded, to find those that were written since. */
  readonly #versions = new WeakMap<Page, number>();

  /** `image`: what the journal holds already. */
  constructor(image = new JournalImage()) {
    this.image = image;
  }

  /** What an operation changed that has ended. `vcpu`: the one that it was about. Undefined: nothing that has to be remembered. */
  ended(host: HostState, operation: number, vcpu: number | undefined): JournalRecord | undefined {
    const vcpus: VcpuRecord[] = [];
    const destroyed: number[] = [];
    const pages: PageRecord[] = [];
    const found = vcpu === undefined ? undefined : host.vcpus.get(vcpu);
    if (found !== undefined && found.unsettled === undefined) {
      vcpus.push(this.#vcpu(found, operation));
      this.#memory(found.vm, pages);
    } else if (vcpu !== undefined && found === undefined && this.image.vcpus.has(vcpu)) destroyed.push(vcpu);
    const cpus = this.#changedCpus(host);
    if (vcpus.length + destroyed.length + cpus.length === 0) return undefined;
    const record = { next: nextNumbers(host), vcpus, destroyed, pages, cpus };
    this.image.apply(record);
    return record;
  }

  #vcpu(vcpu: Vcpu, operation: number): VcpuRecord {
    const before = this.image.vcpus.get(vcpu.id);
    const { vmcs12, pool, vmcs01, loaded, spareVmcs02, vmcss } = vcpu;
    return {
      id: vcpu.id,
      vm: vcpu.vm.id,
      operation,
      cpu: vcpu.cpu,
      poolSize: vcpu.poolSize,
      vmxon: vcpu.vmxon,
      vmxonPointer: vcpu.vmxonPointer,
      currentVmptr: vcpu.currentVmptr,
      guestMode: vcpu.guestMode,
      killed: vcpu.killed,
      vmcs12Launched: vmcs12.launched,
      vmcs12: changedFields(before?.vmcs12 ?? ZEROS, vmcs12.fields),
      vmcs01: vmcs01.id,
      loaded: loaded.id,
      pool: pool.map(({ vmptr, vmcs }) => ({ vmptr, vmcs: vmcs.id })),
      ...(spareVmcs02 === undefined ? {} : { spareVmcs02: spareVmcs02.id }),
      vmcss: vmcss.flatMap((vmcs) => changedVmcs(before?.vmcss.get(vmcs.id), vmcs)),
    };
  }

  #memory({ id, memory }: Vm, into: PageRecord[]): void {
    const known = this.image.pages.get(id);
    for (const [number, page] of memory.pages()) {
      if (this.#versions.get(page) === page.version) continue;
      this.#versions.set(page, page.version);
      const address = number * PAGE_BYTES;
      const before = known?.get(address);
      const changed = changedPage(id, address, before, page);
      if (changed.offsets.length > 0 || before?.launchInitialised !== page.launchInitialised) into.push(changed);
    }
  }

  #changedCpus(host: HostState): CpuRecord[] {
    const changed: CpuRecord[] = [];
    for (const cpu of host.cpus.values()) {
      const record = recordOf(cpu);
      if (!isSame(this.image.cpus.get(cpu.number), record)) changed.push(record);
    }
    return changed;
  }
}

function nextNumbers({ nextOperation, nextVcpu, nextVm, nextVmcs }: HostState): NextNumbers {
  return { operation: nextOperation, vcpu: nextVcpu, vm: nextVm, vmcs: nextVmcs };
}

function recordOf({ number, incarnation, vmxonRegion, state }: HostCpu): CpuRecord {
  return { number, incarnation, vmxonRegion, online: state !== "offline" };
}

function isSame(a: CpuRecord | undefined, b: CpuRecord): boolean {
  return a?.incarnation === b.incarnation && a.vmxonRegion === b.vmxonRegion && a.online === b.online;
}

function changedVmcs(before: VmcsImage | undefined, vmcs: LoadedVmcs): VmcsRecord[] {
  const { id, region, role, cpu, launched, epoch, activatedBy, initialised, missesWrites } = vmcs;
  const home = changedFields(before?.home ?? ZEROS, vmcs.home);
  const known = changedFields(before?.known ?? ZEROS, vmcs.known);
  const facts = { id, region, role, cpu, launched, epoch, activatedBy, initialised, missesWrites };
  if (before !== undefined && home.encodings.length + known.encodings.length === 0 && isSameVmcs(before.facts, facts))
    return [];
  return [{ ...facts, home, known }];
}

function isSameVmcs(a: VmcsImage["facts"], b: VmcsImage["facts"]): boolean {
  return (
    a.cpu === b.cpu &&
    a.launched === b.launched &&
    a.epoch === b.epoch &&
    a.initialised === b.initialised &&
    a.missesWrites === b.missesWrites &&
    a.region === b.region
  );
}

function changedPage(vm: number, address: number, before: PageImage | undefined, page: Page): PageRecord {
  const offsets: number[] = [];
  const values: number[] = [];
  page.words.forEach((word, offset) => {
    if (word === (before?.words[offset] ?? 0)) return;
    offsets.push(offset);
    values.push(word);
  });
  return { vm, address, launchInitialised: page.launchInitialised, offsets, values };
}
