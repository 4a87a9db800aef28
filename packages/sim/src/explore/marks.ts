import type { HistoryEvent } from "@vmcslab/history";

/**
 * What a run was seen to do, of what a search has to come by to be worth its time. A mark that no seed of a long search reaches says that a branch of the protocol is not explored.
 */
export const MARKS = {
  "cross-cpu-clear": "a VMCS was taken back from another CPU",
  "indefinite-end": "an operation ended and nobody knows whether it took effect",
  "cpu-lost": "a CPU was declared lost",
  "cpu-fenced": "a fence deadline passed",
  "lease-expired": "a CPU stopped because its lease ended",
  "writeback-refused": "a flushed image of a life that was given up was refused",
  "vcpu-killed": "a vcpu ended because its CPU was lost",
  "vmcs-rebuilt": "a VMCS was lost with its CPU, to be rebuilt",
  "offline-with-vmcss": "a CPU went offline while VMCSs were active there",
  "l0-restarted": "L0 came back after a crash",
  recycled: "a full pool recycled its least recently used entry",
  "allocation-refused": "there was no memory for a vmcs02",
  "destroyed-in-l2": "a vcpu was destroyed while L2 ran",
  "two-at-once": "two operations were open at once",
} as const;

export type Mark = keyof typeof MARKS;

export class Marks {
  readonly seen = new Set<string>();
  /** vcpus that are in L2. */
  readonly #inL2 = new Set<number>();
  #open = 0;

  observe(event: HistoryEvent): void {
    switch (event.kind) {
      case "ipi.acked":
        this.#mark("cross-cpu-clear");
        break;
      case "op.begin":
        if (++this.#open > 1) this.#mark("two-at-once");
        break;
      case "op.end":
        this.#open--;
        if (event.definite === false) this.#mark("indefinite-end");
        break;
      case "cpu.lost":
        this.#mark("cpu-lost");
        break;
      case "cpu.fenced":
        this.#mark("cpu-fenced");
        break;
      case "lease.expired":
        this.#mark("lease-expired");
        break;
      case "writeback.refused":
        this.#mark("writeback-refused");
        break;
      case "vcpu.killed":
        this.#mark("vcpu-killed");
        break;
      case "vmcs.lost":
        this.#mark("vmcs-rebuilt");
        break;
      case "cpu.offline":
        if ((event.count ?? 0) > 0) this.#mark("offline-with-vmcss");
        break;
      case "pool.recycle":
        this.#mark("recycled");
        break;
      case "pool.allocFail":
        this.#mark("allocation-refused");
        break;
      case "nested.enter":
        if (event.vcpu !== undefined) this.#inL2.add(event.vcpu);
        break;
      case "nested.exit":
        if (event.vcpu !== undefined && event.toL1 === true) this.#inL2.delete(event.vcpu);
        break;
      case "vcpu.destroyed":
        if (event.vcpu !== undefined && this.#inL2.delete(event.vcpu)) this.#mark("destroyed-in-l2");
        break;
      case "fault.injected":
        this.seen.add(`fault:${event.instruction}`);
        break;
      default:
        if (event.source === "l0" && event.incarnation > 1) this.#mark("l0-restarted");
    }
  }

  #mark(mark: Mark): void {
    this.seen.add(mark);
  }
}
