import type { Answer, Hypervisor, Operation } from "@vmcslab/nested";
import {
  type Caller,
  CPU_STATE,
  type Credentials,
  checkCount,
  countersToWire,
  cpuName,
  createVcpuFromWire,
  type Driver,
  designToWire,
  guestExitFromWire,
  JOURNAL_KIND,
  type JournalSpec,
  LIMITS,
  LOST_CPU_POLICY,
  l0Wire,
  l1InstructionFromWire,
  l1OutcomeToWire,
  nestedStateToWire,
  OperationRefused,
  type Publisher,
  registrationFromWire,
  type ServedService,
  served,
  type UnaryHandlers,
} from "@vmcslab/runtime";
import type { CpuRegistry } from "./cpu-registry.js";
import { type BeatFaults, throughFaults } from "./faults/beats.js";
import { flushHost } from "./flush.js";
import type { LostCpuPolicy } from "./options.js";

export interface L0Host {
  readonly host: string;
  readonly session: number;
  readonly hypervisor: Hypervisor;
  readonly driver: Driver;
  readonly cpus: CpuRegistry;
  readonly publisher: Publisher;
  readonly lostCpu: LostCpuPolicy;
  /** 0: leases last for ever. */
  readonly leaseMs: number;
  readonly journal: JournalSpec["kind"];
  /** What faults do to beats and grants. */
  readonly struck: BeatFaults;
  readonly credentials: Credentials;
}

/** L0Service: the hypervisor's operations over gRPC. */
export function l0Service(l0: L0Host, handlers: UnaryHandlers): ServedService {
  const { hypervisor, driver, cpus } = l0;
  /** The value of an operation; its error becomes the RPC's status. */
  const run = async <T>(operation: Operation<T>): Promise<T> => answeredValue(await driver.run(operation));
  const implementation: l0Wire.L0ServiceServer = {
    registerCpu: handlers.handle(async (request: l0Wire.RegisterCpuRequest, caller) => {
      const registration = registrationFromWire(request);
      checkOwn(caller(), registration.cpu);
      const answer = await throughFaults(registration.cpu, () => cpus.register(registration), l0.struck);
      return { ...answer, session: BigInt(answer.session), newest: BigInt(answer.newest ?? 0) };
    }),
    listCpus: handlers.handle((_request: l0Wire.ListCpusRequest) => ({
      cpus: cpus.list().map((cpu) => ({
        ...cpu,
        incarnation: BigInt(cpu.incarnation),
        state: CPU_STATE.toWire(cpu.state),
      })),
    })),
    createVcpu: handlers.handle(async (request: l0Wire.CreateVcpuRequest) => ({
      vcpu: await run(hypervisor.createVcpu(createVcpuFromWire(request))),
    })),
    destroyVcpu: handlers.handle(async ({ vcpu }: l0Wire.DestroyVcpuRequest) => {
      await run(hypervisor.destroyVcpu(vcpu));
      return {};
    }),
    listVcpus: handlers.handle(async (_request: l0Wire.ListVcpusRequest) => {
      const vcpus = hypervisor.listVcpus().map(({ vcpu, vm, cpu, guestMode }) => ({ vcpu, vm, cpu, guestMode }));
      await driver.settled();
      return { vcpus };
    }),
    runL1: handlers.handle(async ({ vcpu, instructions }: l0Wire.RunL1Request) => {
      checkCount(instructions.length, LIMITS.l1Instructions, "instructions", 1);
      const outcomes = await run(hypervisor.runL1(vcpu, instructions.map(l1InstructionFromWire)));
      return { outcomes: outcomes.map(l1OutcomeToWire) };
    }),
    guestExit: handlers.handle((request: l0Wire.GuestExitRequest) =>
      run(hypervisor.guestExit(guestExitFromWire(request))),
    ),
    placeVcpu: handlers.handle(async ({ vcpu, cpu }: l0Wire.PlaceVcpuRequest) => {
      await run(hypervisor.placeVcpu(vcpu, cpu));
      return {};
    }),
    getNestedState: handlers.handle(async ({ vcpu }: l0Wire.GetNestedStateRequest) => {
      const state = hypervisor.nestedState(vcpu);
      if (state === undefined) {
        throw new OperationRefused({ code: "notFound", definite: true, message: `no vcpu ${vcpu}` });
      }
      const answer = nestedStateToWire(state);
      await driver.settled();
      return answer;
    }),
    offlineCpu: handlers.handle(async ({ cpu }: l0Wire.OfflineCpuRequest, caller) => {
      checkOwn(caller(), cpu);
      return { cleared: await run(hypervisor.offlineCpu(cpu)) };
    }),
    onlineCpu: handlers.handle(async ({ cpu }: l0Wire.OnlineCpuRequest) => {
      await run(hypervisor.onlineCpu(cpu));
      return {};
    }),
    getHost: handlers.handle((_request: l0Wire.GetHostRequest) => ({
      host: l0.host,
      session: BigInt(l0.session),
      poolSize: hypervisor.state.config.poolSize,
      memoryPages: hypervisor.state.config.memoryPages,
      counters: countersToWire(hypervisor.counters()),
      lostCpu: LOST_CPU_POLICY.toWire(l0.lostCpu),
      leaseMs: l0.leaseMs,
      journal: JOURNAL_KIND.toWire(l0.journal),
      ...designToWire(hypervisor.state.design),
    })),
    crashClearAll: handlers.handle(async (_request: l0Wire.CrashClearAllRequest) => ({
      cleared: (await run(hypervisor.crashClearAll())).cleared,
    })),
    flushHost: handlers.handle((_request: l0Wire.FlushHostRequest) => flushHost(cpus, l0.publisher, l0.credentials)),
  };
  return served("vmcslab.v1.L0Service", l0Wire.L0ServiceService, implementation);
}

function answeredValue<T>(answer: Answer<T>): T {
  if (!answer.ok) throw new OperationRefused(answer.error);
  return answer.value;
}

/** A CPU speaks for itself only: its certificate says which one it is. */
function checkOwn(caller: Caller, cpu: number): void {
  if (caller.kind !== "service" || caller.name === cpuName(cpu)) return;
  const message = `${caller.name} may not speak for CPU ${cpu}`;
  throw new OperationRefused({ code: "permissionDenied", definite: true, message });
}
