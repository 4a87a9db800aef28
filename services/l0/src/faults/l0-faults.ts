import { type Fault, type FaultVictims, type HostAction, type HostFault, isMessageFault } from "@vmcslab/faults";
import { CPU_KINDS, type EventFact } from "@vmcslab/history";
import type { Answer, Hypervisor, Operation, OperationError } from "@vmcslab/nested";
import {
  type Clock,
  type Driver,
  type EventSink,
  FaultHub,
  type FaultOrder,
  type FaultPlace,
  type FaultStatus,
  type HeldFault,
  killSelfSoon,
  OperationRefused,
  type SkewedClock,
  whyNotKilled,
} from "@vmcslab/runtime";
import type { CpuFaultsAtL0 } from "./cpu-faults.js";
import type { Partitions } from "./partitions.js";

export interface L0FaultsOptions {
  readonly hypervisor: Hypervisor;
  readonly driver: Driver;
  readonly cpus: CpuFaultsAtL0;
  readonly partitions: Partitions;
  /** The clock that a fault may make wrong. */
  readonly skewed: SkewedClock;
  /** True time: leases of faults end by it. */
  readonly clock: Clock;
  readonly sink: EventSink;
  readonly emit: (fact: EventFact) => void;
}

/** What L0 can do to a host: everything. It is one end of every message; what is done to a CPU's process it hands on to that process. */
export class L0Faults implements FaultPlace {
  readonly hub: FaultHub;
  readonly #options: L0FaultsOptions;
  /** What was handed on, by the fault's name, and is not answered yet. */
  readonly #handedOn = new Map<string, Promise<OperationError | undefined>>();

  constructor(options: L0FaultsOptions) {
    this.#options = options;
    this.hub = new FaultHub({
      where: "l0",
      clock: options.clock,
      refusal: (fault) => this.#refusal(fault),
      victims: (held) => this.#victims(held),
      emit: options.emit,
    });
  }

  /** Also waits for the CPU that it is handed on to, so that what that refuses is refused. */
  async inject(order: FaultOrder, isStated: boolean): Promise<FaultStatus> {
    const status = this.hub.inject(order, isStated);
    const error = await this.#handedOn.get(status.name);
    if (error === undefined) return this.hub.list().find(({ name }) => name === status.name) ?? status;
    this.hub.clear([status.name]);
    throw new OperationRefused(error);
  }

  /** Asks also the CPU that it would be handed on to. */
  async check(order: FaultOrder): Promise<void> {
    this.hub.check(order);
    const { fault } = order;
    if (isMessageFault(fault)) return;
    const cpu = onCpu(fault.action);
    if (cpu === undefined) return;
    const error = await this.#options.cpus.check(cpu, { action: fault.action });
    if (error !== undefined) throw new OperationRefused(error);
  }

  async list(ended: boolean): Promise<FaultStatus[]> {
    const own = this.hub.list(ended);
    const names = own.map(({ name }) => name);
    // What was handed on is held at both ends, and is one fault.
    const theirs = (await this.#options.cpus.list(ended)).filter(({ name }) => !names.includes(name));
    return [...own, ...theirs];
  }

  async clear(names: readonly string[]): Promise<FaultStatus[]> {
    const own = this.hub.clear(names);
    const mine = own.map(({ name }) => name);
    const theirs = (await this.#options.cpus.clear(names)).filter(({ name }) => !mine.includes(name));
    return [...own, ...theirs];
  }

  #refusal({ action, on }: Fault): string | undefined {
    if (on !== undefined && isCpuKind(on.event))
      return `${on.event} is stated by CPUs, and L0 does not see it in time: begin at a time, or at an event of L0`;
    if (action.kind === "crashL0") return whyNotKilled();
    const cpu =
      "cpu" in action ? action.cpu : action.kind === "clockSkew" && action.clock !== "l0" ? action.clock : undefined;
    if (cpu === undefined) return undefined;
    if (cpu === "any") return "a fault of any CPU is drawn by whoever injects it: name one";
    return this.#options.cpus.isKnown(cpu) ? undefined : `no CPU ${cpu} has registered with L0`;
  }

  #victims(held: HeldFault): FaultVictims {
    const { hypervisor, partitions, sink, skewed, clock, cpus } = this.#options;
    const { allocator } = hypervisor.state;
    const onCpu = (cpu: number, action: HostAction): (() => void) => {
      const give = (): Promise<OperationError | undefined> => {
        const fault: HostFault = { name: held.name, action, forNs: held.leaseNs };
        return cpus.inject(cpu, fault, held);
      };
      let given = give();
      this.#handOn(held, cpu, given);
      if (isRenewable(action)) this.#renew(held, () => (given = given.then((refused) => refused ?? give())));
      // When it has arrived there, or it would outlive its end; what was refused there is not ours to end.
      return () => void given.then((refused) => (refused === undefined ? cpus.clearOn(cpu, [held.name]) : []));
    };
    return {
      stall: (cpu) => onCpu(cpu, { kind: "stall", cpu }),
      crash: (cpu, when) => onCpu(cpu, { kind: "crash", cpu, when }),
      skew: (whose, ppm, offsetNs) => {
        if (whose !== "l0") return onCpu(whose, { kind: "clockSkew", clock: whose, ppm, offsetNs });
        skewed.skew(ppm, offsetNs);
        return () => skewed.skew(0, 0);
      },
      stopBus: () => {
        sink.hold();
        const others = cpus.numbers();
        const heal = others.map((cpu) => onCpu(cpu, { kind: "stopBus" }));
        return () => {
          sink.release();
          for (const end of heal) end();
        };
      },
      partition: (cpu) => partitions.cut(cpu),
      crashL0: () => {
        killSelfSoon(clock);
        return () => undefined;
      },
      refuseAllocation: (what, times) => {
        allocator.refuseNext(what, times);
        return () => allocator.refuseNext(what, 0);
      },
      offline: (cpu) => {
        this.#operate(hypervisor.offlineCpu(cpu), held);
        return () => this.#operate(hypervisor.onlineCpu(cpu), held);
      },
      online: (cpu) => {
        this.#operate(hypervisor.onlineCpu(cpu), held);
        return () => undefined;
      },
    };
  }

  /** `again` gives it to the CPU once more, with the lease that it has by then; one at a time, whatever the CPU takes to answer. */
  #renew(held: HeldFault, again: () => Promise<unknown>): void {
    let isAsking = false;
    held.onRenewed(() => {
      if (isAsking) return;
      isAsking = true;
      void again().then(() => {
        isAsking = false;
      });
    });
  }

  #handOn(held: HeldFault, cpu: number, answer: Promise<OperationError | undefined>): void {
    void answer.then((error) => {
      if (error !== undefined) held.note(`CPU ${cpu} refuses: ${error.message}`);
    });
    const earlier = this.#handedOn.get(held.name) ?? Promise.resolve(undefined);
    const all = Promise.all([earlier, answer]).then(([first, second]) => first ?? second);
    this.#handedOn.set(held.name, all);
    void all.then(() => {
      if (this.#handedOn.get(held.name) === all) this.#handedOn.delete(held.name);
    });
  }

  #operate(operation: Operation<unknown>, held: HeldFault): void {
    void this.#options.driver.run(operation).then((answer: Answer<unknown>) => {
      if (!answer.ok) held.note(answer.error.message);
    });
  }
}

/** The CPU whose process it is handed on to. */
function onCpu(action: HostAction): number | undefined {
  const victim =
    action.kind === "clockSkew"
      ? action.clock
      : ["stall", "crash"].includes(action.kind) && "cpu" in action
        ? action.cpu
        : undefined;
  return typeof victim === "number" ? victim : undefined;
}

/** One that kills or stops the process has done so: given again, it would strike the one that has come back. */
function isRenewable({ kind }: HostAction): boolean {
  return kind === "clockSkew" || kind === "stopBus";
}

function isCpuKind(kind: string): boolean {
  return [...CPU_KINDS].some((known) => known === kind);
}
