import type { HistoryEvent } from "../event.js";
import type { Checker } from "./checker.js";
import type { Activity } from "./view/activity.js";
import type { HostView } from "./view/host-view.js";
import { contradiction, nameVmcs, type Report } from "./violation.js";

/** How a CPU went: the operation, and what was active there when it did. */
interface Departure {
  readonly operation: number;
  readonly left: readonly Activity[];
}

/**
 * Crash clear-all. All memory is somebody else's after it, so whatever a CPU still has active is a region reused while active (invariant 3): the processor may write it back
 * into the next kernel. Only CPUs that answered are judged: L0 said of each that it is offline, in the operation that crashed. Of L0 nothing succeeds any more (invariant 8).
 */
export class CrashClearsAll implements Checker {
  readonly kinds = ["vmx.off", "cpu.offline", "cpu.registered", "host.crashed", "vmcs.load", "op.end"] as const;
  /** What was active when a CPU last left VMX operation: those that left anything. */
  readonly #left = new Map<number, Departure>();
  /** The operation in which a CPU was last taken offline. */
  readonly #offline = new Map<number, number>();
  #crashed: HistoryEvent | undefined;

  constructor(
    private readonly view: HostView,
    private readonly report: Report,
  ) {}

  observe(event: HistoryEvent): void {
    const { kind, cpu } = event;
    if (kind === "host.crashed") this.#crash(event);
    else if (kind === "op.end") this.#checkEnd(event);
    else if (cpu === undefined) return;
    else if (kind === "vmx.off") this.#leave(cpu, event);
    else if (kind === "vmcs.load") this.#checkLoad(cpu, event);
    else if (kind === "cpu.registered") this.#offline.delete(cpu);
    else this.#goOffline(cpu, event);
  }

  forgetCpu(cpu: number): void {
    this.#left.delete(cpu);
  }

  /** L0's next life begins with what it finds. */
  forgetL0(): void {
    this.#left.clear();
    this.#offline.clear();
    this.#crashed = undefined;
  }

  #leave(cpu: number, { operation }: HistoryEvent): void {
    const left = [...this.view.cpu(cpu).active.values()];
    if (left.length === 0) this.#left.delete(cpu);
    else this.#left.set(cpu, { operation, left });
  }

  #goOffline(cpu: number, event: HistoryEvent): void {
    // Its VMXOFF came before, and is the better witness; without one, what it has now it keeps.
    if (this.view.cpu(cpu).active.size > 0) this.#leave(cpu, event);
    this.#offline.set(cpu, event.operation);
    if (this.#crashed?.operation === event.operation) this.#judge(cpu, this.#crashed);
  }

  #crash(crashed: HistoryEvent): void {
    this.#crashed = crashed;
    for (const cpu of this.#offline.keys()) this.#judge(cpu, crashed);
  }

  #judge(cpu: number, crashed: HistoryEvent): void {
    if (!this.#answered(cpu, crashed)) return;
    const departure = this.#left.get(cpu);
    if (departure?.operation === crashed.operation)
      for (const activity of departure.left) this.#find(activity, crashed, "was not cleared");
    // Loaded since it went.
    for (const activity of this.view.cpu(cpu).active.values()) this.#find(activity, crashed, "is active");
    this.#left.delete(cpu);
  }

  #checkLoad(cpu: number, load: HistoryEvent): void {
    // By hand, on a CPU that belongs to nobody any more: not L0's doing.
    if (load.operation === 0 || this.#crashed === undefined || !this.#answered(cpu, this.#crashed)) return;
    const { region } = load;
    const vmcs = region === undefined ? undefined : this.view.identity(region);
    this.report("crash-left-active", {
      message: `${nameVmcs(vmcs, region)} is loaded on CPU ${cpu} after the crash clear-all`,
      ...(vmcs === undefined ? {} : { vmcs }),
      cpus: [cpu],
      events: [this.#crashed, load],
    });
  }

  #answered(cpu: number, { operation }: HistoryEvent): boolean {
    return this.#offline.get(cpu) === operation;
  }

  #find({ cpu, region, vmcs, loaded }: Activity, crashed: HistoryEvent, what: string): void {
    this.report("crash-left-active", {
      message: `${nameVmcs(vmcs, region)} ${what} on CPU ${cpu}, which answered the crash clear-all`,
      ...(vmcs === undefined ? {} : { vmcs }),
      cpus: [cpu],
      events: contradiction(loaded, crashed),
    });
  }

  /** The crash clear-all itself may succeed, one that is repeated as well. */
  #checkEnd(end: HistoryEvent): void {
    const crashed = this.#crashed;
    if (crashed === undefined || end.operation === crashed.operation || end.status !== "ok") return;
    const of = end.vcpu === undefined ? "" : ` of vcpu ${end.vcpu}`;
    this.report("succeeded-after-crash", {
      message: `operation ${end.operation} (${end.instruction ?? "unnamed"}${of}) succeeds after the crash clear-all`,
      cpus: [],
      events: [crashed, end],
    });
  }
}
