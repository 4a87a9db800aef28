/** The workload without a capture: every vcpu has several L2 guests and enters them in turn, while vcpus move between CPUs. */

import { RandomStream } from "@vmcslab/faults";
import { exitReasonNumber } from "../capture/exit-reasons.js";
import { parseMigrationRate } from "../experiment/units.js";
import type { RoundRobinWorkload as Options } from "../experiment/workload-schema.js";
import { enduring } from "./enduring.js";
import type { L1Vcpu } from "./l1-vcpu.js";
import { LoadCourse, type Seat } from "./load/course.js";
import { describeExtent, type LoadPlan, loadPlan } from "./load/plan.js";
import { type MigrationSchedule, migrationSchedule } from "./migration-schedule.js";
import { RoundRobinGuests } from "./round-robin-guests.js";
import { runSideBySide, runVcpu } from "./vcpu-crew.js";
import type { Workload, WorkloadContext, WorkloadReport } from "./workload.js";

/** Shared by the vcpus of one run. */
interface Tour {
  readonly course: LoadCourse;
  readonly schedule: MigrationSchedule;
  entries: number;
  migrations: number;
}

export function roundRobinWorkload(options: Options, vcpus: number, seed: number): Workload {
  return new RoundRobinWorkload(options.roundRobin, vcpus, new RandomStream(`${seed}`));
}

class RoundRobinWorkload implements Workload {
  readonly vcpus: number;
  readonly #options: Options["roundRobin"];
  readonly #plan: LoadPlan;
  readonly #random: RandomStream;

  constructor(options: Options["roundRobin"], vcpus: number, random: RandomStream) {
    this.#options = options;
    this.#plan = loadPlan("an entry of L2 with its exit", { ...options, units: options.entries });
    this.vcpus = vcpus;
    this.#random = random;
  }

  get notes(): readonly string[] {
    const { l2Guests, entriesPerTurn, migrations } = this.#options;
    return [
      `round-robin: ${this.vcpus} vcpus with ${l2Guests} L2 guests each, ${entriesPerTurn} entries per turn, ${describeExtent(this.#plan, "entries")}, migrations ${migrations}`,
    ];
  }

  async run(context: WorkloadContext): Promise<WorkloadReport> {
    const tour = this.#tour(context);
    const parts = Array.from({ length: this.vcpus }, (_, index) => async () => {
      const seat = tour.course.seat();
      const run = (l1: L1Vcpu) => this.#runVcpu(l1, this.#random.fork(`vcpu${index}`), tour, seat, context);
      await runVcpu({ cpu: index % context.cpus, run }, context).finally(() => seat.leave());
    });
    await runSideBySide(parts, context, async () => tour.course.finish());
    return {
      kind: "roundRobin",
      notes: [...this.notes, `${tour.entries} nested entries, ${tour.migrations} migrations`],
      facts: { entries: tour.entries, migrations: tour.migrations },
    };
  }

  #tour(context: WorkloadContext): Tour {
    const { host, cpus } = context;
    const rate = cpus > 1 ? parseMigrationRate(this.#options.migrations) : undefined;
    return {
      course: new LoadCourse(this.#plan, this.vcpus, context, this.#random.fork("load")),
      schedule: migrationSchedule(rate ?? { kind: "never" }, host.nowNs, this.#random.fork("migrations")),
      entries: 0,
      migrations: 0,
    };
  }

  async #runVcpu(l1: L1Vcpu, random: RandomStream, tour: Tour, seat: Seat, context: WorkloadContext): Promise<void> {
    const { l2Guests, entriesPerTurn, exitReasons } = this.#options;
    const reasons = exitReasons.flatMap((name) => exitReasonNumber(name) ?? []);
    const guests = new RoundRobinGuests(l1, l2Guests, reasons, random.fork("guests"), context.host.findings);
    const moves = random.fork("moves");
    const attempt = async (part: () => Promise<void>): Promise<boolean> =>
      await enduring(part, l1, context, () => guests.recovered());
    while (!(await attempt(() => guests.buildAll())));
    await seat.ready();
    for (let entry = 0; ; entry++) {
      const unit = await tour.course.take();
      if (unit === undefined) return;
      const guest = Math.floor(entry / entriesPerTurn) % l2Guests;
      await attempt(async () => {
        await this.#enterOnce(l1, guests, guest, moves, tour, context.cpus);
        tour.course.done(unit);
      });
    }
  }

  async #enterOnce(
    l1: L1Vcpu,
    guests: RoundRobinGuests,
    guest: number,
    moves: RandomStream,
    tour: Tour,
    cpus: number,
  ): Promise<void> {
    // It recovered in L2, from which this guest cannot be entered.
    if (l1.inL2) await guests.leave();
    await this.#moveIfDue(l1, moves, tour, cpus);
    await guests.enter(guest);
    tour.entries++;
    tour.schedule.noteEntry();
    await this.#moveIfDue(l1, moves, tour, cpus);
    await guests.leave();
  }

  /** While L1 runs, and while L2 runs: both kinds of move happen. */
  async #moveIfDue(l1: L1Vcpu, random: RandomStream, tour: Tour, cpus: number): Promise<void> {
    if (!tour.schedule.takeDue()) return;
    const target = (l1.cpu + 1 + random.below(cpus - 1)) % cpus;
    tour.migrations++;
    await l1.place(target);
  }
}
