import type { MethodDefinition } from "@grpc/grpc-js";
import type {
  Answer,
  CreateVcpuRequest,
  Design,
  GuestExitAnswer,
  GuestExitRequest,
  HostCounters,
  L1Instruction,
  L1Outcome,
  NestedState,
} from "@vmcslab/nested";
import type { SequencePosition } from "../bus/recorder.js";
import { designFromWire } from "../codec/design.js";
import { countersFromWire, createVcpuToWire, guestExitToWire } from "../codec/host.js";
import { InvalidMessage } from "../codec/invalid-message.js";
import { l1InstructionToWire, l1OutcomeFromWire } from "../codec/l1.js";
import { NameCodec } from "../codec/names.js";
import { nestedStateFromWire } from "../codec/nested-state.js";
import { required, toNumber } from "../codec/numbers.js";
import { positionFromWire } from "../codec/position.js";
import {
  type GetHostResponse,
  L0ServiceService as L0,
  type RegisterCpuResponse,
  type Cpu as WireCpu,
  CpuState as WireCpuState,
  JournalKind as WireJournalKind,
  LostCpuPolicy as WireLostCpuPolicy,
} from "../generated/vmcslab/v1/l0.js";
import type { JournalSpec } from "../journal/open.js";
import { UnaryCaller } from "../rpc/call.js";
import { Credentials } from "../security/credentials.js";

/** Longer than any operation: L0 has deadlines of its own, and its error says more than ours would. */
const OPERATION_DEADLINE_MS = 30_000;

export type CpuState = "connecting" | "online" | "offline" | "lost";

export interface CpuInfo {
  readonly cpu: number;
  readonly address: string;
  readonly incarnation: number;
  readonly model: string;
  readonly state: CpuState;
  readonly heartbeatAgeMs: number;
}

/** What a CPU says of itself. */
export interface CpuRegistration {
  readonly cpu: number;
  /** host:port of its InterconnectService. */
  readonly address: string;
  readonly incarnation: number;
  readonly model: string;
}

/** L0's answer to a CPU that says that it is there. */
export interface RegistrationAnswer {
  /** L0 can use the CPU. */
  readonly ready: boolean;
  /** The life of L0 that answers. */
  readonly session: number;
  /** How long the CPU may execute for L0 without another answer, from when it sent the request; 0: for ever. */
  readonly leaseMs: number;
  /** L0 counts on this life no more: the CPU must begin a new one. */
  readonly over: boolean;
  /** With `over`: the new life must be later than this one. Absent: than the CPU's own last. */
  readonly newest?: number;
}

export interface VcpuInfo {
  readonly vcpu: number;
  readonly vm: number;
  readonly cpu: number;
  readonly guestMode: boolean;
}

export interface HostInfo {
  readonly host: string;
  readonly session: number;
  readonly poolSize: number;
  readonly memoryPages: number;
  readonly counters: HostCounters;
  /** What it does about a CPU that falls silent. */
  readonly lostCpu: LostCpuPolicy;
  /** How long a lease lasts; 0: for ever. */
  readonly leaseMs: number;
  /** What its next life goes on from. */
  readonly journal: JournalSpec["kind"];
  readonly design: Design;
}

/** As `vmcslab l0 --lost-cpu` has it. */
export type LostCpuPolicy = "wait" | "fence" | "kill";

/** Where the sequences of a host's sources stand. */
export interface HostPositions {
  readonly positions: readonly SequencePosition[];
  /** CPUs that did not say. */
  readonly silent: readonly string[];
}

export const CPU_STATE = new NameCodec<CpuState, WireCpuState>("CPU state", {
  connecting: WireCpuState.CONNECTING,
  online: WireCpuState.ONLINE,
  offline: WireCpuState.OFFLINE,
  lost: WireCpuState.LOST,
});

export const LOST_CPU_POLICY = new NameCodec<LostCpuPolicy, WireLostCpuPolicy>("policy for silent CPUs", {
  wait: WireLostCpuPolicy.WAIT,
  fence: WireLostCpuPolicy.FENCE,
  kill: WireLostCpuPolicy.KILL,
});

export const JOURNAL_KIND = new NameCodec<JournalSpec["kind"], WireJournalKind>("kind of journal", {
  none: WireJournalKind.NONE,
  file: WireJournalKind.FILE,
  nats: WireJournalKind.NATS,
});

/** L0 as others see it over gRPC: the operations with the core's own shapes. An answer that is not ok is a value; nothing rejects for a status. */
export class L0Client {
  readonly #caller: UnaryCaller;

  /** `address`: host:port. */
  constructor(address: string, credentials: Credentials = Credentials.none) {
    this.#caller = new UnaryCaller(address, credentials.dial("l0"));
  }

  createVcpu(request: CreateVcpuRequest): Promise<Answer<number>> {
    return this.#operate(L0.createVcpu, createVcpuToWire(request), ({ vcpu }) => vcpu);
  }

  destroyVcpu(vcpu: number): Promise<Answer<void>> {
    return this.#operate(L0.destroyVcpu, { vcpu }, ignore);
  }

  runL1(vcpu: number, instructions: readonly L1Instruction[]): Promise<Answer<L1Outcome[]>> {
    const request = { vcpu, instructions: instructions.map(l1InstructionToWire) };
    return this.#operate(L0.runL1, request, ({ outcomes }) => outcomes.map(l1OutcomeFromWire));
  }

  guestExit(request: GuestExitRequest): Promise<Answer<GuestExitAnswer>> {
    return this.#operate(L0.guestExit, guestExitToWire(request), ({ level, reflected }) => ({
      level: guestLevel(level),
      reflected,
    }));
  }

  placeVcpu(vcpu: number, cpu: number): Promise<Answer<void>> {
    return this.#operate(L0.placeVcpu, { vcpu, cpu }, ignore);
  }

  /** How many VMCSs were cleared there. */
  offlineCpu(cpu: number): Promise<Answer<number>> {
    return this.#operate(L0.offlineCpu, { cpu }, ({ cleared }) => cleared);
  }

  onlineCpu(cpu: number): Promise<Answer<void>> {
    return this.#operate(L0.onlineCpu, { cpu }, ignore);
  }

  nestedState(vcpu: number): Promise<Answer<NestedState>> {
    return this.#caller.call(L0.getNestedState, { vcpu }, nestedStateFromWire);
  }

  listCpus(): Promise<Answer<CpuInfo[]>> {
    return this.#caller.call(L0.listCpus, {}, ({ cpus }) => cpus.map(cpuInfo));
  }

  listVcpus(): Promise<Answer<VcpuInfo[]>> {
    return this.#caller.call(L0.listVcpus, {}, ({ vcpus }) => vcpus);
  }

  host(): Promise<Answer<HostInfo>> {
    return this.#caller.call(L0.getHost, {}, hostInfo);
  }

  /** Has the whole host publish what it buffers. */
  flushHost(): Promise<Answer<HostPositions>> {
    return this.#caller.call(L0.flushHost, {}, ({ positions, silent }) => ({
      positions: positions.map(positionFromWire),
      silent,
    }));
  }

  /** Every VMCS on every CPU is cleared where it is, and nothing runs on the host any more. How many there were; indefinite `deadline` when a CPU is silent. */
  crashClearAll(): Promise<Answer<number>> {
    return this.#operate(L0.crashClearAll, {}, ({ cleared }) => cleared);
  }

  /** A CPU's beat. */
  registerCpu(registration: CpuRegistration, timeoutMs: number): Promise<Answer<RegistrationAnswer>> {
    const request = { ...registration, incarnation: BigInt(registration.incarnation) };
    const value = ({ ready, session, leaseMs, over, newest }: RegisterCpuResponse) => ({
      ready,
      session: toNumber(session, "session"),
      leaseMs,
      over,
      ...(over ? { newest: toNumber(newest, "newest") } : {}),
    });
    return this.#caller.call(L0.registerCpu, request, value, timeoutMs);
  }

  close(): void {
    this.#caller.close();
  }

  #operate<Request, Response, T>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    value: (response: Response) => T,
  ): Promise<Answer<T>> {
    return this.#caller.call(method, request, value, OPERATION_DEADLINE_MS);
  }
}

function ignore(): void {
  // The response says nothing beyond that it came.
}

function guestLevel(level: number): 1 | 2 {
  if (level !== 1 && level !== 2) throw new InvalidMessage(`guest level ${level} is not 1 or 2`);
  return level;
}

function hostInfo(wire: GetHostResponse): HostInfo {
  const { host, session, poolSize, memoryPages, counters, lostCpu, leaseMs, journal, design, preparation, clearing } =
    wire;
  return {
    ...{ host, poolSize, memoryPages, leaseMs },
    session: toNumber(session, "session"),
    counters: countersFromWire(required(counters, "counters")),
    lostCpu: LOST_CPU_POLICY.fromWire(lostCpu),
    journal: JOURNAL_KIND.fromWire(journal),
    design: designFromWire({ design, preparation, clearing }),
  };
}

function cpuInfo({ cpu, address, incarnation, model, state, heartbeatAgeMs }: WireCpu): CpuInfo {
  return {
    cpu,
    address,
    incarnation: toNumber(incarnation, "incarnation"),
    model,
    state: CPU_STATE.fromWire(state),
    heartbeatAgeMs,
  };
}
