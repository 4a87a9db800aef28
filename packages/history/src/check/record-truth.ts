import type { HistoryEvent } from "../event.js";
import type { Checker } from "./checker.js";
import { OpenOperations } from "./open-operations.js";
import type { Rule } from "./rules.js";
import type { HostView } from "./view/host-view.js";
import { contradiction, nameVmcs, type Report } from "./violation.js";

/** L0's record of one loaded VMCS, and what else bears on it. */
interface Recorded {
  readonly vmcs: number;
  readonly region: number;
  readonly by: HistoryEvent;
  /** The event that last ended its activity on a CPU. */
  endedBy: HistoryEvent | undefined;
  /**
   * Until L0 records something new, nothing can be said: an operation on it ended indefinitely, or its CPU lost its caches and L0 has yet to notice.
   */
  unsettled: boolean;
}

/**
 * Invariant 6: when nothing is in flight, L0's `cpu` and `launched` for every loaded VMCS are the truth on the CPUs. Judged per vcpu, whenever its last
 * open operation has ended and no host-wide one is open, and only for the VMCSs that something happened to since.
 */
export class RecordTruth implements Checker {
  readonly kinds = [
    ...([
      "op.begin",
      "op.end",
      "vmcs.record",
      "vmcs.freed",
      "ipi.sent",
      "vmcs.load",
      "vmcs.clear",
      "vm.entry",
    ] as const),
    ...(["vmx.on", "vmx.off", "lease.expired", "host.crashed", "cpu.lost", "cpu.offline", "cpu.registered"] as const),
    ...(["host.restored", "host.recovered"] as const),
  ];
  readonly #operations = new OpenOperations();
  readonly #records = new Map<number, Recorded>();
  /** VMCSs to judge at the next quiet moment, by vcpu. */
  readonly #touched = new Map<number | undefined, Set<number>>();
  /** L0 has restarted, and not every CPU has said yet what it holds: something is in flight, whatever operations there are. */
  #recovering = false;

  constructor(
    private readonly view: HostView,
    private readonly report: Report,
  ) {}

  observe(event: HistoryEvent): void {
    if (event.kind === "op.begin") this.#operations.begin(event);
    else if (event.kind === "op.end") this.#end(event);
    else if (event.kind === "vmcs.record") this.#record(event);
    else if (event.kind === "vmcs.freed") this.#forgetVmcs(event.vmcs);
    else if (event.kind === "ipi.sent") this.#touch(event.vmcs);
    else if (event.kind === "host.restored") this.#recovering = true;
    else if (event.kind === "host.recovered") this.#recovered();
    // Nobody reads a record any more, so nobody needs to have put it right.
    else if (event.kind === "host.crashed") this.#unsettle(undefined);
    else if (event.region !== undefined && event.kind !== "vmx.on") this.#execute(event.region, event);
    else if (event.cpu !== undefined) this.#loseCaches(event.cpu, event);
  }

  /** At the end of a complete history nothing is in flight but what never ended. */
  finish(complete: boolean): void {
    if (!complete) return;
    for (const vcpu of [...this.#touched.keys()]) this.#judgeVcpu(vcpu);
  }

  forgetCpu(cpu: number): void {
    for (const record of this.#records.values()) if (record.by.cpu === cpu) record.unsettled = true;
  }

  forgetL0(): void {
    this.#operations.clear();
    this.#records.clear();
    this.#touched.clear();
    this.#recovering = false;
  }

  #recovered(): void {
    this.#recovering = false;
    for (const vcpu of [...this.#touched.keys()]) this.#judgeIfQuiet(vcpu);
  }

  #record(event: HistoryEvent): void {
    const { vmcs, region } = event;
    if (vmcs === undefined || region === undefined) return;
    const endedBy = this.#records.get(vmcs)?.endedBy;
    this.#records.set(vmcs, { vmcs, region, by: event, endedBy, unsettled: false });
    this.#touch(vmcs);
  }

  #execute(region: number, event: HistoryEvent): void {
    const vmcs = this.view.identity(region);
    if (vmcs === undefined) return;
    this.#touch(vmcs);
    const record = this.#records.get(vmcs);
    if (record !== undefined && event.kind === "vmcs.clear") record.endedBy = event;
  }

  #loseCaches(cpu: number, event: HistoryEvent): void {
    const view = this.view.cpu(cpu);
    if (event.kind === "cpu.registered" && view.isSameLife(event.epoch)) return;
    for (const { vmcs } of view.active.values()) {
      const record = vmcs === undefined ? undefined : this.#records.get(vmcs);
      if (record === undefined) continue;
      record.endedBy = event;
      // Offline on request is L0's own doing, and a record that no longer names this CPU has taken the loss into account.
      if (event.kind !== "cpu.offline" && record.by.cpu === cpu) record.unsettled = true;
      this.#touch(vmcs);
    }
  }

  #end(event: HistoryEvent): void {
    const begin = this.#operations.get(event.operation);
    this.#operations.end(event);
    const vcpu = event.vcpu ?? begin?.vcpu;
    if (event.definite === false) this.#unsettle(vcpu);
    if (vcpu !== undefined) this.#judgeIfQuiet(vcpu);
    else for (const other of [...this.#touched.keys()]) this.#judgeIfQuiet(other);
  }

  /** What an indefinite operation sent may still be executed. */
  #unsettle(vcpu: number | undefined): void {
    for (const record of this.#records.values()) {
      if (vcpu === undefined || this.view.vmcss.byId(record.vmcs)?.vcpu === vcpu) record.unsettled = true;
    }
  }

  #judgeIfQuiet(vcpu: number | undefined): void {
    if (this.#operations.isQuiet(vcpu)) this.#judgeVcpu(vcpu);
  }

  #judgeVcpu(vcpu: number | undefined): void {
    const touched = this.#touched.get(vcpu);
    if (touched === undefined || this.#recovering || !this.#operations.isQuiet(vcpu)) return;
    this.#touched.delete(vcpu);
    for (const vmcs of touched) {
      const record = this.#records.get(vmcs);
      if (record !== undefined && !record.unsettled) this.#judge(record);
    }
  }

  /** A VMCS that is active where it is recorded, and elsewhere as well, is invariant 1's to report. */
  #judge(record: Recorded): void {
    const { cpu = -1, launched = false } = record.by;
    const activities = this.view.activitiesOf(record);
    const here = activities.find((activity) => activity.cpu === cpu);
    const elsewhere = activities.find((activity) => activity.cpu !== cpu);
    if (elsewhere !== undefined && here === undefined) {
      this.#find(
        "record-cpu",
        record,
        `recorded ${place(cpu)} and active on CPU ${elsewhere.cpu}`,
        elsewhere.loaded,
        elsewhere.cpu,
      );
    } else if (cpu !== -1 && here === undefined) {
      const view = this.view.cpu(cpu);
      if (view.known && !view.endedUnnoticed)
        this.#find("record-cpu", record, `recorded ${place(cpu)} and active nowhere`, record.endedBy);
    } else if (launched !== (here?.launched ?? false)) {
      const truth = here?.launched === true ? "launched" : "clear";
      this.#find(
        "record-launched",
        record,
        `recorded ${launched ? "launched" : "clear"} and is ${truth} ${place(cpu)}`,
        here?.launchedBy,
      );
    }
  }

  #find(
    rule: Rule,
    { vmcs, region, by }: Recorded,
    what: string,
    truth: HistoryEvent | undefined,
    other?: number,
  ): void {
    const cpus = [by.cpu, other].filter((cpu) => cpu !== undefined && cpu !== -1);
    this.report(rule, {
      message: `${nameVmcs(vmcs, region)} is ${what}`,
      vmcs,
      cpus: cpus.filter((cpu) => cpu !== undefined),
      events: contradiction(truth, by),
    });
  }

  #touch(vmcs: number | undefined): void {
    if (vmcs === undefined) return;
    const vcpu = this.view.vmcss.byId(vmcs)?.vcpu;
    const touched = this.#touched.get(vcpu);
    if (touched === undefined) this.#touched.set(vcpu, new Set([vmcs]));
    else touched.add(vmcs);
  }

  #forgetVmcs(vmcs: number | undefined): void {
    if (vmcs === undefined) return;
    this.#records.delete(vmcs);
    this.#touched.get(this.view.vmcss.byId(vmcs)?.vcpu)?.delete(vmcs);
  }
}

function place(cpu: number): string {
  return cpu === -1 ? "on no CPU" : `on CPU ${cpu}`;
}
