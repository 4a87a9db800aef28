import type { Hypervisor, Timer } from "@vmcslab/nested";
import {
  type Clock,
  type CpuInfo,
  type CpuRegistration,
  type CpuState,
  type Driver,
  grpcTransport,
  InterconnectSession,
  type LamportClock,
  type Logger,
  newIncarnation,
  OperationRefused,
} from "@vmcslab/runtime";

interface KnownCpu {
  registration: CpuRegistration;
  heartbeatNs: number;
  /** Undefined: this life of the CPU is over, or it refused us. */
  session: InterconnectSession | undefined;
  /** The hypervisor has begun to use it, or tries to. */
  state: "connecting" | "registering" | "registered";
}

export interface CpuRegistryOptions {
  readonly hypervisor: Hypervisor;
  readonly driver: Driver;
  /** L0's first session with its CPUs; each life of a CPU gets a later one. */
  readonly session: number;
  readonly clock: Clock;
  readonly lamport: LamportClock;
  readonly logger: Logger;
}

/** A CPU of which this much was not heard, and where nobody listens any more, is lost. One that is merely silent is waited for, as a kernel waits for an IPI. */
const LOST_AFTER_MS = 2000;
const WATCH_INTERVAL_MS = 250;

/** The CPUs that have registered, and the interconnect to each. */
export class CpuRegistry {
  readonly #options: CpuRegistryOptions;
  readonly #cpus = new Map<number, KnownCpu>();
  #lastSession: number;
  #watch: Timer;

  constructor(options: CpuRegistryOptions) {
    this.#options = options;
    this.#lastSession = options.session;
    this.#watch = this.#watchAgain();
  }

  /**
   * A CPU says that it is there. True when L0 can use it: the interconnect is up and the processor is in VMX operation. Refused while another process has
   * that number and is connected: numbers are stable, and two of one number would both hold VMCSs.
   */
  register(registration: CpuRegistration): boolean {
    const heartbeatNs = this.#options.clock.monoNs();
    const known = this.#cpus.get(registration.cpu);
    if (known?.session?.connected === true && known.registration.incarnation !== registration.incarnation) {
      const message = `CPU ${registration.cpu} is registered from ${known.registration.address} and alive`;
      throw new OperationRefused({ code: "failedPrecondition", definite: true, message });
    }
    if (known?.session === undefined || known.registration.incarnation !== registration.incarnation) {
      this.#replace(known, registration, heartbeatNs);
      return false;
    }
    known.heartbeatNs = heartbeatNs;
    if (known.state === "connecting" && known.session.connected) this.#use(known, known.session);
    return known.state === "registered";
  }

  list(): CpuInfo[] {
    const now = this.#options.clock.monoNs();
    const cpus = [...this.#cpus.values()].sort((a, b) => a.registration.cpu - b.registration.cpu);
    return cpus.map((known) => ({
      ...known.registration,
      state: this.#stateOf(known),
      heartbeatAgeMs: Math.max(0, Math.round((now - known.heartbeatNs) / 1e6)),
    }));
  }

  close(): void {
    this.#watch.cancel();
    for (const known of this.#cpus.values()) known.session?.close();
  }

  #replace(old: KnownCpu | undefined, registration: CpuRegistration, heartbeatNs: number): void {
    const { cpu, incarnation } = registration;
    if (old?.session !== undefined) this.#lose(old, `CPU ${cpu} registered as incarnation ${incarnation}`);
    const { clock, lamport } = this.#options;
    // A session of its own for each life, also when L0 gave up one that was not over: what was numbered in the last one does not count in this.
    this.#lastSession = Math.max(this.#lastSession + 1, newIncarnation(clock));
    const known: KnownCpu = { registration, heartbeatNs, session: undefined, state: "connecting" };
    this.#cpus.set(cpu, known);
    const session = new InterconnectSession({
      cpu,
      incarnation,
      session: this.#lastSession,
      transport: grpcTransport(registration.address),
      clock,
      lamport,
      onReady: () => this.#use(known, session),
      onLost: (reason) => this.#lose(known, reason),
    });
    known.session = session;
  }

  /** The hypervisor takes the CPU into use. When that fails, the CPU's next heartbeat tries again. */
  #use(known: KnownCpu, session: InterconnectSession): void {
    const { driver, hypervisor, logger } = this.#options;
    const { cpu, incarnation } = known.registration;
    known.state = "registering";
    driver.attach(session);
    // It rejects only for a bug of ours, which must end the process.
    void driver.run(hypervisor.registerCpu(cpu, incarnation)).then((answer) => {
      if (known.session !== session) return;
      known.state = answer.ok ? "registered" : "connecting";
      if (answer.ok) logger.info({ cpu, incarnation }, "CPU registered");
      else logger.warn({ cpu, incarnation, error: answer.error }, "CPU could not be taken into use");
    });
  }

  #watchAgain(): Timer {
    return this.#options.clock.after(WATCH_INTERVAL_MS, () => {
      for (const known of this.#cpus.values()) this.#judge(known);
      this.#watch = this.#watchAgain();
    });
  }

  #judge({ session, heartbeatNs, registration }: KnownCpu): void {
    if (session === undefined || session.connected || !session.gone) return;
    const silentMs = (this.#options.clock.monoNs() - heartbeatNs) / 1e6;
    if (silentMs > LOST_AFTER_MS)
      session.declareLost(`CPU ${registration.cpu}: nobody listens at ${registration.address}`);
  }

  /** Its caches are gone. The hypervisor learns it first, so that operations that fail because of it find it recorded. */
  #lose(known: KnownCpu, reason: string): void {
    const { driver, hypervisor, logger } = this.#options;
    const { session, registration } = known;
    known.session = undefined;
    if (session === undefined) return;
    logger.warn({ cpu: registration.cpu, incarnation: registration.incarnation }, reason);
    hypervisor.cpuLost(registration.cpu);
    driver.detach(session);
    session.close();
  }

  #stateOf(known: KnownCpu): CpuState {
    if (known.session === undefined) return "lost";
    if (known.state !== "registered") return "connecting";
    return this.#options.hypervisor.state.cpus.get(known.registration.cpu)?.state === "online" ? "online" : "offline";
  }
}
