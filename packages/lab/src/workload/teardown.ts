/** vcpus whose VMCSs lie on several CPUs are taken down, again and again: what ends with each is as many cross-CPU clears. */
import { RandomStream } from "@vmcslab/faults";
import type { TeardownWorkload as Options } from "../experiment/workload-schema.js";
import { enduring } from "./enduring.js";
import type { L1Vcpu } from "./l1-vcpu.js";
import { LoadCourse } from "./load/course.js";
import { describeExtent, type LoadPlan, loadPlan } from "./load/plan.js";
import { RoundRobinGuests } from "./round-robin-guests.js";
import { runSideBySide, runVcpu } from "./vcpu-crew.js";
import type { Workload, WorkloadContext, WorkloadReport } from "./workload.js";

const UNIT = { vmxoff: "a VMXOFF of L1", destroy: "a DestroyVcpu" } as const;
/** Of an exit that L1 always sees, so that every guest leaves once. */
const VMCALL = 18;

/** Shared by the vcpus of one run. */
interface Tour {
  readonly course: LoadCourse;
  /** Teardowns that nobody has begun to prepare. */
  left: number;
  teardowns: number;
}

export function teardownWorkload(options: Options, vcpus: number, seed: number): Workload {
  return new TeardownWorkload(options.teardown, vcpus, new RandomStream(`${seed}`));
}

class TeardownWorkload implements Workload {
  readonly vcpus: number;
  readonly #options: Options["teardown"];
  readonly #plan: LoadPlan;
  readonly #random: RandomStream;

  constructor(options: Options["teardown"], vcpus: number, random: RandomStream) {
    this.#options = options;
    const { by, repeat, warmup } = options;
    this.#plan = loadPlan(UNIT[by], { load: "closed", units: repeat, warmup });
    this.vcpus = vcpus;
    this.#random = random;
  }

  get notes(): readonly string[] {
    const { l2Guests, spread, by } = this.#options;
    return [
      `teardown: ${this.vcpus} vcpus with ${l2Guests} L2 guests each, spread over ${spread} CPUs, taken down by ${by}, ${describeExtent(this.#plan, "teardowns")}`,
    ];
  }

  async run(context: WorkloadContext): Promise<WorkloadReport> {
    const { warmup } = this.#plan;
    const before = warmup !== undefined && "units" in warmup ? warmup.units : 0;
    const course = new LoadCourse(this.#plan, this.vcpus, context, this.#random.fork("load"));
    const tour: Tour = { course, left: before + this.#options.repeat, teardowns: 0 };
    const parts = Array.from({ length: this.vcpus }, (_, index) => async () => {
      const seat = course.seat();
      // Nobody waits here for the others: there is nothing to be in step with.
      seat.leave();
      const random = this.#random.fork(`vcpu${index}`);
      // One vcpu after the other if they are destroyed, one for all if they are not. Where none can be created it ends.
      let isCreated = true;
      while (isCreated && tour.left > 0 && !context.signal.aborted) {
        isCreated = false;
        const run = async (l1: L1Vcpu): Promise<void> => {
          isCreated = true;
          await this.#runVcpu(l1, index, random, tour, context);
        };
        await runVcpu({ cpu: index % context.cpus, run }, context);
      }
    });
    await runSideBySide(parts, context, async () => course.finish());
    const { l2Guests } = this.#options;
    return {
      kind: "teardown",
      notes: [...this.notes, `${tour.teardowns} teardowns of ${l2Guests} vmcs02s each`],
      facts: { teardowns: tour.teardowns, vmcs02sPerTeardown: l2Guests },
    };
  }

  async #runVcpu(l1: L1Vcpu, index: number, random: RandomStream, tour: Tour, context: WorkloadContext): Promise<void> {
    const { by, l2Guests } = this.#options;
    const guests = new RoundRobinGuests(l1, l2Guests, [VMCALL], random, context.host.findings);
    const attempt = async (part: () => Promise<void>): Promise<boolean> =>
      await enduring(part, l1, context, () => guests.recovered());
    while (tour.left > 0 && !context.signal.aborted) {
      tour.left--;
      while (!(await attempt(() => this.#spread(l1, guests, index, context.cpus))));
      const unit = await tour.course.take();
      if (unit === undefined) return;
      await attempt(async () => {
        await (by === "destroy" ? l1.destroy() : l1.leaveVmxOperation());
        tour.course.done(unit);
        tour.teardowns++;
      });
      if (by === "destroy") return;
    }
  }

  /** L2 guest i of vcpu v runs on CPU v + i mod `spread`, then L1 goes back to CPU v: each vmcs02 stays active where its guest ran. */
  async #spread(l1: L1Vcpu, guests: RoundRobinGuests, index: number, cpus: number): Promise<void> {
    const { l2Guests, spread } = this.#options;
    if (l1.inL2) await guests.leave();
    await guests.buildAll();
    for (let guest = 0; guest < l2Guests; guest++) {
      await l1.place((index + (guest % spread)) % cpus);
      await guests.enter(guest);
      await guests.leave();
    }
    await l1.place(index % cpus);
  }
}
