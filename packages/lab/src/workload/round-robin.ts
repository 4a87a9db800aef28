/** The workload without a capture: every vcpu has several L2 guests and enters them in turn, while vcpus move between CPUs. */

import { RandomStream } from "@vmcslab/faults";
import { exitReasonNumber } from "../capture/exit-reasons.js";
import type { RoundRobinWorkload as Options } from "../experiment/schema.js";
import { parseDurationUs, parseMigrationRate, WHILE_FAULTS } from "../experiment/units.js";
import { enduring } from "./enduring.js";
import type { L1Vcpu } from "./l1-vcpu.js";
import { type MigrationSchedule, migrationSchedule } from "./migration-schedule.js";
import { RoundRobinGuests } from "./round-robin-guests.js";
import { runVcpus } from "./vcpu-crew.js";
import type { Workload, WorkloadContext, WorkloadReport } from "./workload.js";

/** Shared by the vcpus of one run. */
interface Course {
  /** Entries that are still to be made, over all vcpus. */
  entriesLeft: number;
  readonly isOver: () => boolean;
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
  readonly #random: RandomStream;

  constructor(options: Options["roundRobin"], vcpus: number, random: RandomStream) {
    this.#options = options;
    this.vcpus = vcpus;
    this.#random = random;
  }

  get notes(): readonly string[] {
    const { l2Guests, entriesPerTurn, entries, duration, migrations } = this.#options;
    const time = duration === WHILE_FAULTS ? "as long as the faults last" : `for ${duration}`;
    const extent = entries === undefined ? time : `${entries} entries`;
    return [
      `round-robin: ${this.vcpus} vcpus with ${l2Guests} L2 guests each, ${entriesPerTurn} entries per turn, ${extent}, migrations ${migrations}`,
    ];
  }

  async run(context: WorkloadContext): Promise<WorkloadReport> {
    const course = this.#course(context);
    const scripts = Array.from({ length: this.vcpus }, (_, index) => ({
      cpu: index % context.cpus,
      run: (l1: L1Vcpu) => this.#runVcpu(l1, this.#random.fork(`vcpu${index}`), course, context),
    }));
    await runVcpus(scripts, context);
    return {
      kind: "roundRobin",
      notes: [...this.notes, `${course.entries} nested entries, ${course.migrations} migrations`],
      facts: { entries: course.entries, migrations: course.migrations },
    };
  }

  #course({ host, cpus, areFaultsOver }: WorkloadContext): Course {
    const { entries, duration, migrations } = this.#options;
    const durationUs = duration === undefined ? undefined : parseDurationUs(duration);
    const endNs = durationUs === undefined ? Number.POSITIVE_INFINITY : host.nowNs() + durationUs * 1_000;
    const rate = cpus > 1 ? parseMigrationRate(migrations) : undefined;
    return {
      entriesLeft: entries ?? Number.POSITIVE_INFINITY,
      isOver: () => host.nowNs() >= endNs || (duration === WHILE_FAULTS && (areFaultsOver?.() ?? true)),
      schedule: migrationSchedule(rate ?? { kind: "never" }, host.nowNs, this.#random.fork("migrations")),
      entries: 0,
      migrations: 0,
    };
  }

  async #runVcpu(l1: L1Vcpu, random: RandomStream, course: Course, context: WorkloadContext): Promise<void> {
    const { host, signal } = context;
    const { l2Guests, entriesPerTurn, exitReasons } = this.#options;
    const reasons = exitReasons.flatMap((name) => exitReasonNumber(name) ?? []);
    const guests = new RoundRobinGuests(l1, l2Guests, reasons, random.fork("guests"), host.findings);
    const moves = random.fork("moves");
    const attempt = async (part: () => Promise<void>): Promise<boolean> =>
      await enduring(part, l1, context, () => guests.recovered());
    while (!(await attempt(() => guests.buildAll())));
    for (let turn = 0; ; turn++) {
      for (let entry = 0; entry < entriesPerTurn; entry++) {
        if (signal.aborted || course.entriesLeft <= 0 || course.isOver()) return;
        course.entriesLeft--;
        await attempt(() => this.#enterOnce(l1, guests, turn % l2Guests, moves, course, context.cpus));
      }
    }
  }

  async #enterOnce(
    l1: L1Vcpu,
    guests: RoundRobinGuests,
    guest: number,
    moves: RandomStream,
    course: Course,
    cpus: number,
  ): Promise<void> {
    // It recovered in L2, from which this guest cannot be entered.
    if (l1.inL2) await guests.leave();
    await this.#moveIfDue(l1, moves, course, cpus);
    await guests.enter(guest);
    course.entries++;
    course.schedule.noteEntry();
    await this.#moveIfDue(l1, moves, course, cpus);
    await guests.leave();
  }

  /** While L1 runs, and while L2 runs: both kinds of move happen. */
  async #moveIfDue(l1: L1Vcpu, random: RandomStream, course: Course, cpus: number): Promise<void> {
    if (!course.schedule.takeDue()) return;
    const target = (l1.cpu + 1 + random.below(cpus - 1)) % cpus;
    course.migrations++;
    await l1.place(target);
  }
}
