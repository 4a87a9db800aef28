import type { JournalRecord, PageRecord, VcpuRecord, VmcsRecord } from "@vmcslab/nested";
import type {
  JournalPage,
  JournalVcpu,
  JournalVmcs,
  JournalRecord as WireJournalRecord,
} from "../generated/vmcslab/v1/journal.js";
import { fieldsFromWire, fieldsToWire } from "./fields.js";
import { defined, required, toNumber } from "./numbers.js";

/** There is no such address: how the core says that there is no pointer. */
const NO_POINTER = -1;

export function journalRecordToWire({ next, vcpus, destroyed, pages, cpus }: JournalRecord): WireJournalRecord {
  return {
    next: { ...next, operation: BigInt(next.operation) },
    vcpus: vcpus.map(vcpuToWire),
    destroyed: [...destroyed],
    pages: pages.map(pageToWire),
    cpus: cpus.map(({ number, incarnation, vmxonRegion, online }) => ({
      number,
      incarnation: BigInt(incarnation),
      vmxonRegion: vmxonRegion === undefined ? undefined : BigInt(vmxonRegion),
      online,
    })),
  };
}

/** Throws {@link InvalidMessage} for a record that L0 did not write. */
export function journalRecordFromWire({ next, vcpus, destroyed, pages, cpus }: WireJournalRecord): JournalRecord {
  const { operation, vcpu, vm, vmcs } = required(next, "next");
  return {
    next: { operation: toNumber(operation, "operation"), vcpu, vm, vmcs },
    vcpus: vcpus.map(vcpuFromWire),
    destroyed,
    pages: pages.map(pageFromWire),
    cpus: cpus.map(({ number, incarnation, vmxonRegion, online }) => ({
      number,
      incarnation: toNumber(incarnation, "incarnation"),
      vmxonRegion: vmxonRegion === undefined ? undefined : toNumber(vmxonRegion, "VMXON region"),
      online,
    })),
  };
}

function vcpuToWire(record: VcpuRecord): JournalVcpu {
  const { vmcs12, pool, vmcss, vmxonPointer, currentVmptr, operation, spareVmcs02, ...facts } = record;
  return {
    ...facts,
    spareVmcs02,
    operation: BigInt(operation),
    vmxonPointer: pointerToWire(vmxonPointer),
    currentVmptr: pointerToWire(currentVmptr),
    vmcs12: fieldsToWire(vmcs12),
    pool: pool.map(({ vmptr, vmcs }) => ({ vmptr: BigInt(vmptr), vmcs })),
    vmcss: vmcss.map(vmcsToWire),
  };
}

function vcpuFromWire(wire: JournalVcpu): VcpuRecord {
  const { vmcs12, pool, vmcss, vmxonPointer, currentVmptr, operation, spareVmcs02, ...facts } = wire;
  return {
    ...facts,
    ...defined({ spareVmcs02 }),
    operation: toNumber(operation, "operation"),
    vmxonPointer: pointerFromWire(vmxonPointer),
    currentVmptr: pointerFromWire(currentVmptr),
    vmcs12: fieldsFromWire(required(vmcs12, "vmcs12")),
    pool: pool.map(({ vmptr, vmcs }) => ({ vmptr: toNumber(vmptr, "vmptr"), vmcs })),
    vmcss: vmcss.map(vmcsFromWire),
  };
}

function vmcsToWire({ region, role, epoch, activatedBy, home, known, ...facts }: VmcsRecord): JournalVmcs {
  return {
    ...facts,
    region: BigInt(region),
    vmcs02: role === "vmcs02",
    epoch: BigInt(epoch),
    activatedBy: BigInt(activatedBy),
    home: fieldsToWire(home),
    known: fieldsToWire(known),
  };
}

function vmcsFromWire({ region, vmcs02, epoch, activatedBy, home, known, ...facts }: JournalVmcs): VmcsRecord {
  return {
    ...facts,
    region: toNumber(region, "region"),
    role: vmcs02 ? "vmcs02" : "vmcs01",
    epoch: toNumber(epoch, "epoch"),
    activatedBy: toNumber(activatedBy, "operation"),
    home: fieldsFromWire(required(home, "home")),
    known: fieldsFromWire(required(known, "known")),
  };
}

function pageToWire({ address, offsets, values, ...facts }: PageRecord): JournalPage {
  return { ...facts, address: BigInt(address), offsets: [...offsets], values: [...values] };
}

function pageFromWire({ address, ...page }: JournalPage): PageRecord {
  return { ...page, address: toNumber(address, "address") };
}

function pointerToWire(pointer: number): bigint | undefined {
  return pointer === NO_POINTER ? undefined : BigInt(pointer);
}

function pointerFromWire(pointer: bigint | undefined): number {
  return pointer === undefined ? NO_POINTER : toNumber(pointer, "pointer");
}
