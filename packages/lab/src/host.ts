/** The host that a workload drives: L0's interface, as promises. Adapters are in target/. */
import type {
  Answer,
  CreateVcpuRequest,
  GuestExitAnswer,
  GuestExitRequest,
  HostCounters,
  L1Instruction,
  L1Outcome,
  NestedState,
} from "@vmcslab/nested";

export interface Host {
  createVcpu(request: CreateVcpuRequest): Promise<Answer<{ readonly vcpu: number }>>;
  destroyVcpu(vcpu: number): Promise<Answer<void>>;
  listVcpus(): Promise<Answer<readonly number[]>>;
  /** L1 executes these one after the other. Stops after the first that does not let L1 run on: an entry, or an exception. */
  runL1(vcpu: number, instructions: readonly L1Instruction[]): Promise<Answer<readonly L1Outcome[]>>;
  guestExit(request: GuestExitRequest): Promise<Answer<GuestExitAnswer>>;
  placeVcpu(vcpu: number, cpu: number): Promise<Answer<void>>;
  nestedState(vcpu: number): Promise<Answer<NestedState>>;
  counters(): Promise<Answer<HostCounters>>;
  close(): Promise<void>;
}
