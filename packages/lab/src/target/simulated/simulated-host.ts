import type { Answer, HostCounters, Hypervisor, Operation } from "@vmcslab/nested";
import type { SimHost } from "@vmcslab/sim";
import type { Host } from "../../host.js";
import type { VirtualTime } from "./virtual-time.js";

/** A host in virtual time in the shape that workloads use. */
export interface SimulatedHost extends Host {
  /** How often L0 waited for CPUs while it carried out the operation that this answers; undefined for what no operation answered. */
  roundTripsOf(answer: object): number | undefined;
}

/** `counters`: of all lives of L0 together, as the history has them. */
export function simulatedHost(sim: SimHost, time: VirtualTime, counters: () => HostCounters): SimulatedHost {
  const roundTrips = new WeakMap<object, number>();
  const run = async <T>(begin: (hypervisor: Hypervisor) => Operation<T>): Promise<Answer<T>> => {
    const trips: Trips = { count: 0 };
    const answer = await time.wait<Answer<T>>(
      (done) => sim.start((hypervisor) => counted(begin(hypervisor), trips), done),
      gone,
    );
    roundTrips.set(answer, trips.count);
    return answer;
  };
  const look = <T>(of: (hypervisor: Hypervisor) => T): Answer<T> =>
    sim.hypervisor === undefined ? down() : { ok: true, value: of(sim.hypervisor) };
  return {
    createVcpu: async (request) => {
      const answer = await run((hypervisor) => hypervisor.createVcpu(request));
      if (!answer.ok) return answer;
      const created = { ok: true, value: { vcpu: answer.value } } as const;
      roundTrips.set(created, roundTrips.get(answer) ?? 0);
      return created;
    },
    destroyVcpu: (vcpu) => run((hypervisor) => hypervisor.destroyVcpu(vcpu)),
    listVcpus: async () => look((hypervisor) => hypervisor.listVcpus().map(({ vcpu }) => vcpu)),
    runL1: (vcpu, instructions) => run((hypervisor) => hypervisor.runL1(vcpu, instructions)),
    guestExit: (request) => run((hypervisor) => hypervisor.guestExit(request)),
    placeVcpu: (vcpu, cpu) => run((hypervisor) => hypervisor.placeVcpu(vcpu, cpu)),
    nestedState: async (vcpu) => {
      const answer = look((hypervisor) => hypervisor.nestedState(vcpu));
      if (!answer.ok) return answer;
      if (answer.value !== undefined) return { ok: true, value: answer.value };
      return { ok: false, error: { code: "notFound", definite: true, message: `there is no vcpu ${vcpu}` } };
    },
    counters: async () => ({ ok: true, value: counters() }),
    close: async () => {},
    roundTripsOf: (answer) => roundTrips.get(answer),
  };
}

interface Trips {
  count: number;
}

/** Whatever goes out at once is one round trip: L0 goes on when the last CPU has answered. */
function* counted<T>(operation: Operation<T>, trips: Trips): Operation<T> {
  let step = operation.next([]);
  while (step.done !== true) {
    if (step.value.kind !== "lock") trips.count++;
    step = operation.next(yield step.value);
  }
  return step.value;
}

function gone<T>(): Answer<T> {
  return { ok: false, error: { code: "deadline", definite: false, message: "the simulated host stopped" } };
}

function down<T>(): Answer<T> {
  return { ok: false, error: { code: "cpuUnavailable", definite: true, message: "L0 is down" } };
}
