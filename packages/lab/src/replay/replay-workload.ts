/** The workload that replays a capture. */
import { formatCpuMapping } from "../capture/cpu-mapping.js";
import { formatInference } from "../capture/inferences.js";
import { type PlannedOperation, planReplay, type ReplayPlan, type VcpuPlan } from "../capture/plan.js";
import { type Capture, readCapture } from "../capture/read.js";
import { formatCounts } from "../capture/summary.js";
import type { KvmTraceWorkload } from "../experiment/workload-schema.js";
import type { L1Vcpu } from "../workload/l1-vcpu.js";
import { runVcpus, type VcpuScript } from "../workload/vcpu-crew.js";
import type { Workload, WorkloadContext, WorkloadReport } from "../workload/workload.js";
import { VcpuReplay } from "./vcpu-replay.js";

/** Reads and plans; throws UsageError when the capture cannot be replayed. */
export async function replayWorkload(options: KvmTraceWorkload, cpus: number): Promise<Workload> {
  const capture = await readCapture(options.kvmTrace);
  return new ReplayWorkload(options, capture, planReplay(capture, cpus));
}

class ReplayWorkload implements Workload {
  readonly #options: KvmTraceWorkload;
  readonly #capture: Capture;
  readonly #plan: ReplayPlan;
  /** Moves between the end of a repetition and the beginning of the next: the experiment's, not the capture's. */
  #addedMoves = 0;

  constructor(options: KvmTraceWorkload, capture: Capture, plan: ReplayPlan) {
    this.#options = options;
    this.#capture = capture;
    this.#plan = plan;
  }

  get vcpus(): number {
    return this.#plan.vcpus.length;
  }

  get notes(): readonly string[] {
    const { repeat, placement, timing } = this.#options;
    return [
      ...formatCounts(this.#capture, this.#plan.operations),
      `vcpus: ${this.#plan.vcpus.map(({ label, operations }) => `${label}: ${operations.length} operations`).join("; ")}`,
      this.#cpuNote(),
      `the experiment replays it ${repeat === 1 ? "once" : `${repeat} times`}, timing ${timing}, placement ${placement}`,
    ];
  }

  #cpuNote(): string {
    const { captured, replayed } = this.#plan.migrations;
    return `CPUs, captured→ours: ${formatCpuMapping(this.#plan.cpus)}; migrations in the capture: ${captured}, replayed per repetition: ${replayed}`;
  }

  async run(context: WorkloadContext): Promise<WorkloadReport> {
    await runVcpus(
      this.#plan.vcpus.map((plan) => this.#script(plan, context)),
      context,
    );
    return this.#report();
  }

  /** What L1 should not see may come from the capture's values, which nobody has checked: it ends the replay of the vcpu, and is no violation. */
  #script(plan: VcpuPlan, context: WorkloadContext): VcpuScript {
    let line = 0;
    return {
      cpu: plan.operations[0]?.cpu ?? 0,
      run: (l1) =>
        this.#replay(plan, l1, context, (operation) => {
          line = operation.line;
        }),
      unexpected: (message) => {
        context.host.findings.gap(
          `the replay of ${plan.label} cannot go on at line ${line} of the capture: ${message}`,
        );
      },
    };
  }

  async #replay(
    plan: VcpuPlan,
    l1: L1Vcpu,
    context: WorkloadContext,
    onOperation: (operation: PlannedOperation) => void,
  ): Promise<void> {
    const replay = new VcpuReplay(l1, plan, this.#plan.inferences, context.host.findings);
    for (let repetition = 0; repetition < this.#options.repeat; repetition++) {
      const startNs = context.host.nowNs();
      const shift = this.#options.placement === "rotate" ? repetition : 0;
      for (const [index, operation] of plan.operations.entries()) {
        onOperation(operation);
        await this.#wait(operation, startNs, context);
        if (context.signal.aborted) return;
        await this.#place(l1, (operation.cpu + shift) % context.cpus, index === 0 && repetition > 0);
        await replay.apply(operation);
      }
    }
  }

  async #wait({ atNs }: PlannedOperation, startNs: number, { host, sleep, signal }: WorkloadContext): Promise<void> {
    if (this.#options.timing !== "kept" || atNs === undefined) return;
    const delayMs = (startNs + Number(atNs) - host.nowNs()) / 1e6;
    // A timer fires no finer than about a millisecond: what is nearer than half of one runs now.
    if (delayMs > 0.5) await sleep(delayMs, signal);
  }

  async #place(l1: L1Vcpu, cpu: number, isBetween: boolean): Promise<void> {
    if (cpu !== l1.cpu && isBetween) this.#addedMoves++;
    await l1.place(cpu);
  }

  #report(): WorkloadReport {
    const { counts } = this.#capture;
    const { migrations, inferences } = this.#plan;
    const added = `moves between CPUs that the experiment added between repetitions: ${this.#addedMoves}`;
    return {
      kind: "kvmTrace",
      notes: [
        ...formatCounts(this.#capture, this.#plan.operations),
        this.#cpuNote(),
        ...inferences.list().map(formatInference),
        added,
      ],
      facts: {
        capture: this.#capture.file,
        ...counts,
        operations: this.#plan.operations,
        migrationsCaptured: migrations.captured,
        migrationsReplayedPerRepetition: migrations.replayed,
        migrationsAddedBetweenRepetitions: this.#addedMoves,
        cpuMapping: Object.fromEntries(this.#plan.cpus),
        inferences: inferences.list(),
      },
    };
  }
}
