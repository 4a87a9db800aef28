import type { Hypervisor, LeaseTerms, Timer } from "@vmcslab/nested";
import {
  type Clock,
  type CpuInfo,
  type CpuRegistration,
  type CpuState,
  type Credentials,
  cpuName,
  type Driver,
  grpcTransport,
  InterconnectSession,
  type LamportClock,
  type Logger,
  newIncarnation,
  OperationRefused,
  type RegistrationAnswer,
  type SharedClock,
  type Transport,
} from "@vmcslab/runtime";
import type { DurableState } from "./durable-state.js";
import { FenceWatch } from "./fence-watch.js";
import { applyRefused, clearsLate, type L0Safeguard } from "./sabotage.js";

interface KnownCpu {
  registration: CpuRegistration;
  heartbeatNs: number;
  /** Undefined: this life of the CPU is over, or it refused us. */
  session: InterconnectSession | undefined;
  /** The session of a life that was fenced: what that still completes is refused. */
  fenced: InterconnectSession | undefined;
  /** The hypervisor has begun to use it, or tries to. */
  state: "connecting" | "registering" | "registered";
}

export interface CpuRegistryOptions {
  readonly hypervisor: Hypervisor;
  readonly driver: Driver;
  /** L0's first session with its CPUs; each life of a CPU gets a later one. */
  readonly session: number;
  /** Leases of CPUs; none: a silent CPU is waited for. */
  readonly terms: LeaseTerms;
  readonly clock: Clock;
  /** What cross-CPU clears are timed with. Absent: they are not. */
  readonly timedBy?: SharedClock;
  readonly lamport: LamportClock;
  readonly logger: Logger;
  /** What is shown to CPUs. Default: nothing. */
  readonly credentials?: Credentials;
  /** What faults do to a link. Default: nothing. */
  readonly strike?: (
    transport: Transport,
    cpu: number,
    failBatch: (id: number, definite: boolean) => void,
  ) => Transport;
  /** For tests: a safeguard that it goes without. */
  readonly without?: L0Safeguard;
  /** What outlives L0. Default: nothing does. */
  readonly durable?: DurableState;
}

/**
 * Without leases, a CPU of which this much was not heard, and where nobody listens any more, is lost. One that is merely silent is waited for, as a kernel waits for an
 * IPI. With leases only the fence decides, since a CPU that cannot be reached may well run.
 */
const LOST_AFTER_MS = 2000;
const WATCH_INTERVAL_MS = 250;
/** A stream loses nothing by itself; what is injected into it does. Long beside a round trip, short beside a deadline. */
const RESEND_AFTER_MS = 100;

/** The CPUs that have registered, and the interconnect to each. */
export class CpuRegistry {
  readonly #options: CpuRegistryOptions;
  readonly #cpus = new Map<number, KnownCpu>();
  readonly #fences: FenceWatch;
  #lastSession: number;
  #watch: Timer | undefined;

  constructor(options: CpuRegistryOptions) {
    this.#options = options;
    this.#lastSession = options.session;
    const { terms, clock } = options;
    this.#fences = new FenceWatch({ terms, clock, onFenced: (cpu) => this.#fenced(cpu) });
    this.#watch = this.#fences.grants ? undefined : this.#watchAgain();
    for (const cpu of options.durable?.cpus ?? []) this.#takeOver(cpu);
  }

  /**
   * A CPU says that it is there. `ready` when L0 can use it: the interconnect is up and the processor is in VMX operation. The answer grants a lease, unless the
   * CPU's life is over. Refused while another process may have that number: numbers are stable, and two of one number would both hold VMCSs.
   */
  register(registration: CpuRegistration): RegistrationAnswer {
    const { clock, session, terms } = this.#options;
    const { cpu, incarnation } = registration;
    const known = this.#cpus.get(cpu);
    if (known !== undefined && this.#isTaken(known, registration)) {
      known.session?.hurry();
      const message = `CPU ${cpu} is registered from ${known.registration.address}, and not given up`;
      throw new OperationRefused({ code: "failedPrecondition", definite: true, message });
    }
    const heard = this.#fences.heard(cpu, incarnation);
    if (heard === "over") return { ready: false, session, leaseMs: 0, over: true, newest: this.#fences.newest(cpu) };
    const heartbeatNs = clock.monoNs();
    if (heard === "new" || known?.session === undefined) this.#replace(known, registration, heartbeatNs);
    else {
      known.heartbeatNs = heartbeatNs;
      if (known.state === "connecting" && known.session.connected) this.#use(known, known.session);
    }
    const ready = this.#cpus.get(cpu)?.state === "registered";
    return { ready, session, leaseMs: terms.durationNs / 1e6, over: false };
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
    this.#watch?.cancel();
    this.#fences.close();
    for (const { session, fenced } of this.#cpus.values()) {
      session?.close();
      fenced?.close();
    }
  }

  /**
   * Whether another life has that CPU's number. One that is merely silent has it too. That it is over says who answers at its address now (see InterconnectSession), or its fence, or, without leases, that
   * nobody listens there any more and it was not heard since; never who wants its number, which may name any address.
   */
  #isTaken({ session, registration, heartbeatNs }: KnownCpu, { incarnation }: CpuRegistration): boolean {
    if (session === undefined || incarnation === registration.incarnation) return false;
    if (session.connected) return true;
    // An earlier life may hear that it is over.
    if (incarnation < registration.incarnation) return false;
    const { goneSinceNs } = session;
    return this.#fences.grants || goneSinceNs === undefined || heartbeatNs > goneSinceNs;
  }

  /** A CPU of the last life of L0: whether it is still there, and what it holds, L0 asks it itself. Its lease may have been renewed until now. */
  #takeOver(registration: CpuRegistration): void {
    const { cpu, incarnation } = registration;
    this.#fences.heard(cpu, incarnation);
    this.#connect(registration, this.#options.clock.monoNs(), true);
  }

  #replace(old: KnownCpu | undefined, registration: CpuRegistration, heartbeatNs: number): void {
    if (old?.session !== undefined)
      this.#lose(old, `CPU ${registration.cpu} registered as incarnation ${registration.incarnation}`);
    old?.fenced?.close();
    this.#connect(registration, heartbeatNs, false);
  }

  #connect(registration: CpuRegistration, heartbeatNs: number, takesOver: boolean): void {
    const { cpu, incarnation } = registration;
    const { clock, timedBy, lamport, hypervisor, strike, without } = this.#options;
    const transport = grpcTransport(registration.address, this.#options.credentials, cpuName(cpu));
    // A session of its own for each life, also when L0 gave up one that was not over: what was numbered in the last one does not count in this.
    this.#lastSession = Math.max(this.#lastSession + 1, newIncarnation(clock));
    const known: KnownCpu = { registration, heartbeatNs, session: undefined, fenced: undefined, state: "connecting" };
    this.#cpus.set(cpu, known);
    const session = new InterconnectSession({
      cpu,
      incarnation,
      session: this.#lastSession,
      transport:
        strike === undefined ? transport : strike(transport, cpu, (id, definite) => known.session?.fail(id, definite)),
      takesOver,
      resendAfterMs: RESEND_AFTER_MS,
      clock,
      lamport,
      ...(timedBy === undefined ? {} : { timedBy }),
      onReady: () => this.#use(known, session),
      onLost: (reason) => this.#lose(known, reason),
      onRefused: (batch, completion) => {
        if (without === "epoch") applyRefused(hypervisor, batch, completion);
        else hypervisor.refuseWriteback(batch, completion);
      },
    });
    known.session = session;
  }

  /** The hypervisor takes the CPU into use. When that fails, the CPU's next heartbeat tries again. */
  #use(known: KnownCpu, session: InterconnectSession): void {
    const { driver, hypervisor, logger, durable, without, clock } = this.#options;
    const { cpu, incarnation } = known.registration;
    known.state = "registering";
    driver.attach(without === "clearBeforeLoad" ? clearsLate(session, clock) : session);
    // It rejects only for a bug of ours, which must end the process.
    const { report } = session;
    const operation =
      report === undefined ? hypervisor.registerCpu(cpu, incarnation) : hypervisor.recoverCpu(cpu, incarnation, report);
    void driver.run(operation).then((answer) => {
      if (known.session !== session) return;
      if (answer.ok) durable?.registered(known.registration);
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
    if (session === undefined || session.connected || !(session.goneSinceNs !== undefined || session.isUnused)) return;
    const silentMs = (this.#options.clock.monoNs() - heartbeatNs) / 1e6;
    if (silentMs > LOST_AFTER_MS)
      session.declareLost(`CPU ${registration.cpu}: nobody listens at ${registration.address}`);
  }

  /** Its caches are gone. The hypervisor learns it first, so that operations that fail because of it find it recorded. */
  #lose(known: KnownCpu, reason: string): void {
    const { driver, hypervisor, logger } = this.#options;
    const { session, registration } = known;
    const { cpu, incarnation } = registration;
    known.session = undefined;
    if (session === undefined) return;
    // Without leases the same life may be counted on again: it is reset by the session that it gets then.
    if (this.#fences.grants) this.#fences.ended(cpu, incarnation);
    logger.warn({ cpu, incarnation }, reason);
    hypervisor.cpuLost(cpu);
    driver.detach(session);
    session.close(reason);
  }

  /** Its last lease has ended on any clock: it uses no VMCS any more, whatever it believes. */
  #fenced(cpu: number): void {
    const { driver, hypervisor, logger } = this.#options;
    const known = this.#cpus.get(cpu);
    const session = known?.session;
    if (known === undefined || session === undefined) return;
    const { incarnation } = known.registration;
    known.session = undefined;
    known.fenced = session;
    logger.warn({ cpu, incarnation }, "CPU fenced: it was silent until its lease had certainly ended");
    hypervisor.cpuFenced(cpu, incarnation);
    driver.detach(session);
    session.giveUp(`CPU ${cpu} was fenced`);
  }

  #stateOf(known: KnownCpu): CpuState {
    if (known.session === undefined) return "lost";
    if (known.state !== "registered") return "connecting";
    return this.#options.hypervisor.state.cpus.get(known.registration.cpu)?.state === "online" ? "online" : "offline";
  }
}
