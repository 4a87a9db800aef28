import type { OutgoingBatch } from "@vmcslab/nested";
import type { Saboteur } from "../host/sim-host.js";
import type { Mutant } from "./mutant.js";
import { isCrossCpuClear, sabotage } from "./world.js";

type Batched = Parameters<NonNullable<Saboteur["batch"]>>;
type Done = Batched[1];
type Send = Batched[2];

/** From the call to the interrupt on its target: who goes deaf in between does not take it. */
const IPI_NS = 60_000;

/** CPUs that wait for a cross-CPU clear with interrupts off: each takes the interrupts that are for it when its own call has returned. */
class DeafCpus {
  /** How many calls each waits for. */
  readonly #calls = new Map<number, number>();
  readonly #pending = new Map<number, (() => void)[]>();

  call(cpu: number): void {
    this.#calls.set(cpu, (this.#calls.get(cpu) ?? 0) + 1);
  }

  returned(cpu: number): void {
    const calls = (this.#calls.get(cpu) ?? 0) - 1;
    this.#calls.set(cpu, calls);
    if (calls > 0) return;
    const pending = this.#pending.get(cpu) ?? [];
    this.#pending.delete(cpu);
    for (const interrupt of pending) interrupt();
  }

  interrupt(cpu: number, taken: () => void): void {
    if ((this.#calls.get(cpu) ?? 0) === 0) taken();
    else this.#pending.set(cpu, [...(this.#pending.get(cpu) ?? []), taken]);
  }
}

function interruptsOff(): Saboteur {
  return sabotage((world) => {
    let deaf = new DeafCpus();
    /** On which CPU each operation calls. */
    const callers = new Map<number, number>();
    const clear = (batch: OutgoingBatch, done: Done, send: Send): void => {
      const { scheduler } = world.host;
      const cpus = deaf;
      const caller = callers.get(batch.operation) ?? batch.cpu;
      cpus.call(caller);
      scheduler.at(scheduler.nowNs + IPI_NS, () =>
        cpus.interrupt(batch.cpu, () =>
          send(batch, (result) => {
            cpus.returned(caller);
            done(result);
          }),
        ),
      );
    };
    return {
      hypervisor() {
        deaf = new DeafCpus();
        callers.clear();
      },
      fact(fact) {
        if (fact.kind === "ipi.sent" && fact.from !== undefined) callers.set(fact.operation, fact.from);
        return fact;
      },
      batch: (batch, done, send) => (isCrossCpuClear(batch) ? clear(batch, done, send) : send(batch, done)),
    };
  });
}

/** Mistakes in how a caller waits. */
export const WAIT_MUTANTS: readonly Mutant[] = [
  {
    name: "h10-interrupts-off",
    origin: "H10",
    says: "A CPU waits for a cross-CPU clear with interrupts off.",
    fixedBy: "a rule for callers of smp_call_function_single; KVM and Xen switch interrupts off after the clear",
    breaks: "not-converged: two CPUs that take a VMCS from each other wait for ever.",
    create: interruptsOff,
  },
];
