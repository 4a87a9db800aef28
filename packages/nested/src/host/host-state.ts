import type { EventFact } from "@vmcslab/history";
import { type CpuModel, FieldStore } from "@vmcslab/vmx";
import type { HostCounters } from "../api.js";
import { fail, type Operation } from "../effect.js";
import type { Ledger } from "../journal/ledger.js";
import type { JournalRecord } from "../journal/record.js";
import { Allocator } from "./allocator.js";
import { DEFAULT_DESIGN, type Design } from "./design.js";
import { HostCpu } from "./host-cpu.js";
import { LoadedVmcs } from "./loaded-vmcs.js";
import { type Vcpu, Vm } from "./vcpu.js";

export interface HostConfig {
  /** vmcs02 pool size of vcpus that do not say; 0 behaves as 1. */
  readonly poolSize: number;
  /** Pages for VMCS and VMXON regions. */
  readonly memoryPages: number;
  /** Bytes of each VM's memory. */
  readonly l1MemoryBytes: number;
  /** The processors L0 runs on. */
  readonly model: CpuModel;
  /**
   * Which life of this L0 it is, from 0. Each life takes its pages from a part of memory of its own, as a crash kernel does from its reserved one: a CPU that has not heard of the new life
   * yet may still write a VMCS of the old one back. Default: 0.
   */
  readonly life?: number;
  /** Default: {@link DEFAULT_DESIGN}. */
  readonly design?: Design;
  /** What becomes of the vcpus whose VMCSs were on a CPU that is lost. Default: rebuild. */
  readonly lostVmcs?: LostVmcsPolicy;
}

/**
 * `rebuild`: a VMCS that was active on a CPU that is lost is rebuilt from what L0 knows of it when it is next loaded. `kill`: its vcpu ends, and that is reported.
 */
export type LostVmcsPolicy = "rebuild" | "kill";

export interface HostPorts {
  readonly emit: (fact: EventFact) => void;
  /** Runs an operation that L0 itself decided on. */
  readonly begin: (operation: Operation<void>) => void;
  /**
   * Takes what the journal has to hold before anybody is told how the operation ended that has just ended. In the order of the calls. Default: nothing is remembered.
   */
  readonly record?: (record: JournalRecord) => void;
}

export type Counters = { -readonly [K in keyof HostCounters]: HostCounters[K] };

/** Everything L0 knows. Only operations change it, and only between two waits. */
export class HostState {
  readonly cpus = new Map<number, HostCpu>();
  readonly vcpus = new Map<number, Vcpu>();
  readonly vms = new Map<number, Vm>();
  readonly allocator: Allocator;
  readonly counters: Counters = {
    clearsLocal: 0,
    clearsCrossCpu: 0,
    clearsInitial: 0,
    poolHits: 0,
    poolRecycles: 0,
    poolAllocations: 0,
    poolFrees: 0,
    nestedEntries: 0,
    nestedExits: 0,
    migrations: 0,
  };
  nextVcpu = 0;
  nextVm = 0;
  nextOperation = 1;
  nextVmcs = 1;
  /** Every activation has a greater epoch. */
  epochFloor = 0;
  /**
   * CPUs that the last life of L0 used, and that have not said yet what they hold. While there is one, nothing is known of where VMCSs are active, and no operation is accepted.
   */
  readonly recovering = new Set<number>();
  /** What the journal holds; undefined: L0 keeps none. */
  ledger: Ledger | undefined;
  /** The vcpu that an operation under way is about. */
  readonly #vcpuOf = new Map<number, number>();

  /** For whoever has to look at fields as they would be; good until the next wait. */
  readonly scratch = new FieldStore();
  /** Crash clear-all has begun: nothing is run any more. */
  crashed = false;
  readonly design: Design;
  readonly emit: (fact: EventFact) => void;
  readonly begin: (operation: Operation<void>) => void;
  readonly #record: ((record: JournalRecord) => void) | undefined;

  constructor(
    readonly config: HostConfig,
    { emit, begin, record }: HostPorts,
  ) {
    this.design = config.design ?? DEFAULT_DESIGN;
    this.emit = emit;
    this.begin = begin;
    this.#record = record;
    this.allocator = new Allocator(config.memoryPages, config.life ?? 0);
  }

  cpu(number: number): HostCpu {
    let cpu = this.cpus.get(number);
    if (cpu === undefined) {
      cpu = new HostCpu(number);
      this.cpus.set(number, cpu);
    }
    return cpu;
  }

  onlineCpu(number: number): HostCpu {
    const cpu = this.cpus.get(number);
    if (cpu === undefined) fail("notFound", `no CPU ${number}: ${this.#listCpus()}`);
    if (cpu.state !== "online") fail("cpuUnavailable", `CPU ${number} is offline: ${this.#listCpus()}`);
    return cpu;
  }

  vcpu(id: number): Vcpu {
    const vcpu = this.vcpus.get(id);
    if (vcpu === undefined) fail("notFound", `no vcpu ${id}`);
    return vcpu;
  }

  vm(id: number): Vm {
    let vm = this.vms.get(id);
    if (vm === undefined) {
      vm = new Vm(id, this.config.l1MemoryBytes);
      this.vms.set(id, vm);
    }
    return vm;
  }

  /** The operation works on this vcpu. */
  involve(operation: number, vcpu: number): void {
    if (this.ledger !== undefined) this.#vcpuOf.set(operation, vcpu);
  }

  /** The operation has ended: what it changed goes to the journal. */
  remember(operation: number): void {
    if (this.ledger === undefined) return;
    const record = this.ledger.ended(this, operation, this.#vcpuOf.get(operation));
    this.#vcpuOf.delete(operation);
    if (record !== undefined) this.#record?.(record);
  }

  /** This CPU has said what it holds, or is gone for certain. */
  accountedFor(cpu: number): void {
    if (!this.recovering.delete(cpu) || this.recovering.size > 0) return;
    this.emit({ kind: "host.recovered", operation: 0, count: this.vcpus.size });
  }

  /** A page with a revision identifier in it, and its record. Undefined when there is no page. It still needs its first VMCLEAR (H1). */
  allocateVmcs(role: "vmcs01" | "vmcs02", vcpu: number, operation: number): LoadedVmcs | undefined {
    const region = this.allocator.allocatePage();
    if (region === undefined) return undefined;
    const vmcs = new LoadedVmcs(this.nextVmcs++, region, role, vcpu);
    this.emit({ kind: "vmcs.allocated", operation, vcpu, vmcs: vmcs.id, region, role });
    return vmcs;
  }

  freeVmcs(vmcs: LoadedVmcs, operation: number): void {
    vmcs.freed = true;
    this.allocator.freePage(vmcs.region);
    this.emit({ kind: "vmcs.freed", operation, vcpu: vmcs.vcpu, vmcs: vmcs.id, region: vmcs.region });
  }

  emitRecord(vmcs: LoadedVmcs, operation: number, cause: string): void {
    const { id, region, cpu, launched, epoch } = vmcs;
    this.emit({ kind: "vmcs.record", operation, vmcs: id, region, cpu, launched, epoch, cause });
  }

  #listCpus(): string {
    const online = [...this.cpus.values()].filter((cpu) => cpu.state === "online").map((cpu) => cpu.number);
    return online.length === 0 ? "no CPU is online" : `online are ${online.sort((a, b) => a - b).join(", ")}`;
  }
}
