/** vcpus that do nothing but move: each move is a cross-CPU clear of the VMCS that is in use. */
import { RandomStream } from "@vmcslab/faults";
import type { MigrateWorkload as Options } from "../experiment/workload-schema.js";
import { Bystanders } from "./bystanders.js";
import { enduring } from "./enduring.js";
import type { L1Vcpu } from "./l1-vcpu.js";
import { LoadCourse, type Seat } from "./load/course.js";
import { describeExtent, type LoadPlan, loadPlan } from "./load/plan.js";
import { MigratingGuest } from "./migrating-guest.js";
import { runSideBySide, runVcpu } from "./vcpu-crew.js";
import type { Workload, WorkloadContext, WorkloadReport } from "./workload.js";

const WHILE_TEXT = { l2: "while L2 runs", l1: "while L1 runs", idle: "while another vcpu runs" } as const;

/** Shared by the vcpus of one run. */
interface Tour {
  readonly course: LoadCourse;
  readonly bystanders: Bystanders;
  moves: number;
}

export function migrateWorkload(options: Options, vcpus: number, cpus: number, seed: number): Workload {
  return new MigrateWorkload(options.migrate, vcpus, cpus, new RandomStream(`${seed}`));
}

class MigrateWorkload implements Workload {
  readonly vcpus: number;
  readonly #movers: number;
  readonly #options: Options["migrate"];
  readonly #plan: LoadPlan;
  readonly #random: RandomStream;

  constructor(options: Options["migrate"], vcpus: number, cpus: number, random: RandomStream) {
    this.#options = options;
    this.#plan = loadPlan("a PlaceVcpu", { ...options, units: options.moves });
    this.#movers = vcpus;
    this.vcpus = options.while === "idle" ? vcpus + cpus : vcpus;
    this.#random = random;
  }

  get notes(): readonly string[] {
    const { while: state, fieldsWritten } = this.#options;
    const others = this.vcpus === this.#movers ? "" : `, and ${this.vcpus - this.#movers} vcpus that stay`;
    return [
      `migrate: ${this.#movers} vcpus move ${WHILE_TEXT[state]}, ${fieldsWritten} fields written between two moves, ${describeExtent(this.#plan, "moves")}${others}`,
    ];
  }

  async run(context: WorkloadContext): Promise<WorkloadReport> {
    const course = new LoadCourse(this.#plan, this.#movers, context, this.#random.fork("load"));
    const tour: Tour = { course, bystanders: new Bystanders(context), moves: 0 };
    const parts = Array.from({ length: this.#movers }, (_, index) => async () => {
      const seat = course.seat();
      const run = (l1: L1Vcpu) => this.#runVcpu(l1, this.#random.fork(`vcpu${index}`), tour, seat, context);
      await runVcpu({ cpu: index % context.cpus, run }, context).finally(() => seat.leave());
    });
    await runSideBySide(parts, context, async () => {
      course.finish();
      await tour.bystanders.destroyAll();
    });
    return {
      kind: "migrate",
      notes: [...this.notes, `${tour.moves} moves`],
      facts: { moves: tour.moves },
    };
  }

  async #runVcpu(l1: L1Vcpu, random: RandomStream, tour: Tour, seat: Seat, context: WorkloadContext): Promise<void> {
    const { host, cpus } = context;
    const guest = new MigratingGuest(l1, this.#options, tour.bystanders, host.findings);
    const attempt = async (part: () => Promise<void>): Promise<boolean> =>
      await enduring(part, l1, context, () => guest.recovered());
    while (!(await attempt(() => guest.prepare())));
    await seat.ready();
    for (;;) {
      const unit = await tour.course.take();
      if (unit === undefined) break;
      const target = (l1.cpu + 1 + random.below(cpus - 1)) % cpus;
      await attempt(async () => {
        await l1.place(target);
        tour.course.done(unit);
        tour.moves++;
      });
      while (!(await attempt(() => guest.prepare())));
    }
    await attempt(() => guest.inspect());
  }
}
