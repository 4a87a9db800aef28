import type {
  CreateVcpuRequest,
  GuestExitAnswer,
  GuestExitRequest,
  HostCounters,
  L1Instruction,
  L1Outcome,
  NestedState,
} from "./api.js";
import { fenceCpu, loseCpu, offlineCpu, onlineCpu, registerCpu } from "./cpu-operations.js";
import { type CrashReport, crashClearAll } from "./crash.js";
import type { Operation } from "./effect.js";
import { type HostConfig, type HostPorts, HostState } from "./host/host-state.js";
import { NO_POINTER, type Vcpu } from "./host/vcpu.js";
import type { Batch, Completion } from "./interconnect/batch.js";
import type { CpuReport } from "./interconnect/cpu-report.js";
import type { JournalImage } from "./journal/image.js";
import { Ledger } from "./journal/ledger.js";
import { recoverCpu } from "./journal/recover-cpu.js";
import { restore } from "./journal/restore.js";
import * as operations from "./operations.js";
import { refuseWriteback } from "./refused-writeback.js";

/** What a restarted L0 knows of the lives before it. */
export interface Remembered {
  readonly image: JournalImage;
  /** How many lives there were. */
  readonly life: number;
}

/**
 * L0. Every method that does something returns an operation for an {@link Executive} to run; nothing happens before it is run. Methods that only look
 * answer at once. It emits an event for every change of its state.
 */
export class Hypervisor {
  readonly state: HostState;

  /** `remembered`: what the journal of the lives before this one comes to; L0 goes on from there. With it, or with `record` among the ports, L0 keeps a journal. */
  constructor(config: HostConfig, ports: HostPorts, remembered?: Remembered) {
    this.state = new HostState(config, ports);
    if (ports.record === undefined) return;
    this.state.ledger = new Ledger(remembered?.image);
    if (remembered !== undefined) restore(this.state, remembered.image, remembered.life);
  }

  createVcpu(request: CreateVcpuRequest): Operation<number> {
    return operations.operation(this.state, "createVcpu", undefined, (number) =>
      operations.createVcpu(this.state, number, request),
    );
  }

  destroyVcpu(vcpu: number): Operation<void> {
    return operations.operation(this.state, "destroyVcpu", vcpu, (number) =>
      operations.onVcpu(this.state, vcpu, number, operations.destroyVcpu, {
        cpuOf: operations.anyCpuFor(this.state),
        evenKilled: true,
      }),
    );
  }

  /** Outcomes of L1's instructions, in order; fewer than were given when one of them entered L2. */
  runL1(vcpu: number, instructions: readonly L1Instruction[]): Operation<L1Outcome[]> {
    return operations.operation(this.state, "runL1", vcpu, (number) =>
      operations.onVcpu(this.state, vcpu, number, (task) => operations.runL1Instructions(task, instructions)),
    );
  }

  guestExit(request: GuestExitRequest): Operation<GuestExitAnswer> {
    return operations.operation(this.state, "guestExit", request.vcpu, (number) =>
      operations.onVcpu(this.state, request.vcpu, number, (task) => operations.guestExit(task, request)),
    );
  }

  placeVcpu(vcpu: number, cpu: number): Operation<void> {
    return operations.operation(this.state, "placeVcpu", vcpu, (number) =>
      operations.onVcpu(this.state, vcpu, number, operations.placeVcpu, { cpuOf: () => cpu }),
    );
  }

  registerCpu(cpu: number, incarnation: number): Operation<void> {
    return operations.operation(this.state, "registerCpu", undefined, (number) =>
      registerCpu(this.state, number, cpu, incarnation),
    );
  }

  /** As {@link registerCpu}, for a CPU that may hold VMCSs of the last life of L0: it says which. */
  recoverCpu(cpu: number, incarnation: number, report: CpuReport): Operation<void> {
    return operations.operation(this.state, "recoverCpu", undefined, (number) =>
      recoverCpu(this.state, number, cpu, incarnation, report),
    );
  }

  /** Number of VMCSs that had to be cleared. */
  offlineCpu(cpu: number): Operation<number> {
    return operations.operation(this.state, "offlineCpu", undefined, (number) => offlineCpu(this.state, number, cpu));
  }

  onlineCpu(cpu: number): Operation<void> {
    return operations.operation(this.state, "onlineCpu", undefined, (number) => onlineCpu(this.state, number, cpu));
  }

  /** The interconnect found that a CPU is gone, or another incarnation of it is there. Takes effect at once. */
  cpuLost(cpu: number): void {
    loseCpu(this.state, cpu);
  }

  /** The fence deadline of a CPU's life has passed: whatever it still believes, it uses no VMCS any more. Takes effect at once. */
  cpuFenced(cpu: number, incarnation: number): void {
    fenceCpu(this.state, cpu, incarnation);
  }

  /** A life of a CPU that was given up completed a batch after all. What it flushed belongs to activations that are over: it is not applied. */
  refuseWriteback(batch: Batch, completion: Completion): void {
    refuseWriteback(this.state, batch, completion);
  }

  /** L0 itself crashes, and a kernel that takes dumps needs every VMCS in memory: see {@link crashClearAll}. */
  crashClearAll(): Operation<CrashReport> {
    return operations.operation(this.state, "crashClearAll", undefined, (number) => crashClearAll(this.state, number));
  }

  listVcpus(): NestedState[] {
    return [...this.state.vcpus.values()].map(stateOf);
  }

  nestedState(vcpu: number): NestedState | undefined {
    const found = this.state.vcpus.get(vcpu);
    return found === undefined ? undefined : stateOf(found);
  }

  counters(): HostCounters {
    return { ...this.state.counters };
  }
}

function stateOf(vcpu: Vcpu): NestedState {
  return {
    vcpu: vcpu.id,
    vm: vcpu.vm.id,
    cpu: vcpu.cpu,
    vmxon: vcpu.vmxon,
    vmxonPointer: pointer(vcpu.vmxonPointer),
    currentVmptr: pointer(vcpu.currentVmptr),
    guestMode: vcpu.guestMode,
    loadedVmcs: vcpu.loaded.id,
    vmcs01: vcpu.vmcs01.state(),
    poolSize: vcpu.poolSize,
    pool: vcpu.pool.map((entry) => ({ ...entry.vmcs.state(), vmptr: BigInt(entry.vmptr) })),
  };
}

/** All ones when there is none, as L1 sees it. */
function pointer(address: number): bigint {
  return BigInt.asUintN(64, BigInt(address === NO_POINTER ? -1 : address));
}
