import type { HistoryEvent } from "../event.js";
import type { Checker } from "./checker.js";
import type { Rule } from "./rules.js";
import { contradiction, type Report } from "./violation.js";

/** A pool after its latest event. */
interface PoolState {
  /** vmcs12 addresses, most recent first; undefined until an event has shown it. */
  readonly order: readonly number[] | undefined;
  /** The hardware VMCS of each entry, where an event named it. */
  readonly vmcss: Map<number, number>;
  readonly by: HistoryEvent;
}

/**
 * Invariant 5: a pool never holds more than max(size, 1) entries, never two for one vmcs12, and its order is recency of use. Every event carries
 * the order that it left behind; the one before says what that had to be.
 */
export class PoolRecency implements Checker {
  readonly kinds = [
    ...(["pool.hit", "pool.recycle", "pool.allocate", "pool.free", "pool.allocFail"] as const),
    ...(["nested.enter", "vcpu.created", "vcpu.destroyed"] as const),
  ];
  readonly #pools = new Map<number, PoolState>();

  constructor(private readonly report: Report) {}

  observe(event: HistoryEvent): void {
    const { vcpu } = event;
    if (vcpu === undefined) return;
    if (event.kind === "vcpu.created") this.#pools.set(vcpu, { order: [], vmcss: new Map(), by: event });
    else if (event.kind === "vcpu.destroyed") this.#pools.delete(vcpu);
    else if (event.kind === "nested.enter") this.#checkEntered(event, this.#pools.get(vcpu));
    else this.#checkChange(vcpu, event);
  }

  forgetL0(): void {
    this.#pools.clear();
  }

  #checkChange(vcpu: number, event: HistoryEvent): void {
    const { order } = event;
    if (order === undefined) return;
    const before = this.#pools.get(vcpu);
    this.#checkShape(order, event);
    if (before?.order !== undefined) this.#checkOrder(before.order, order, before.by, event);
    const vmcss = before?.vmcss ?? new Map<number, number>();
    if (before !== undefined && event.kind !== "pool.allocate") this.#checkVmcs(vmcss, before.by, event);
    followVmcs(vmcss, event);
    this.#pools.set(vcpu, { order, vmcss, by: event });
  }

  #checkShape(order: readonly number[], event: HistoryEvent): void {
    if (new Set(order).size !== order.length)
      this.#find("pool-duplicate", `holds two entries for one vmcs12: ${show(order)}`, undefined, event);
    const capacity = Math.max(event.count ?? 1, 1);
    if (order.length > capacity)
      this.#find("pool-over-capacity", `holds ${order.length} entries, over ${capacity}`, undefined, event);
  }

  #checkOrder(before: readonly number[], after: readonly number[], by: HistoryEvent, event: HistoryEvent): void {
    const victim = before.at(-1);
    if (event.kind === "pool.recycle" && event.from !== victim) {
      this.#find("pool-victim", `recycled ${hex(event.from)}, with ${hex(victim)} least recently used`, by, event);
      return;
    }
    const expected = orderAfter(before, event);
    if (expected.length === after.length && expected.every((vmptr, i) => vmptr === after[i])) return;
    this.#find("pool-order", `is ${show(after)} after ${event.kind} ${hex(event.vmptr)} on ${show(before)}`, by, event);
  }

  #checkVmcs(vmcss: ReadonlyMap<number, number>, by: HistoryEvent, event: HistoryEvent): void {
    const key = event.kind === "pool.recycle" ? event.from : event.vmptr;
    const expected = key === undefined ? undefined : vmcss.get(key);
    if (expected === undefined || event.vmcs === undefined || expected === event.vmcs) return;
    this.#find(
      "pool-vmcs",
      `has VMCS ${event.vmcs} for ${hex(event.vmptr)}, and its entry was VMCS ${expected}`,
      by,
      event,
    );
  }

  #checkEntered(event: HistoryEvent, pool: PoolState | undefined): void {
    const front = pool?.order?.[0];
    if (pool === undefined || front === undefined) return;
    if (front !== event.vmptr) {
      this.#find("pool-order", `has ${hex(front)} in front while L2 of ${hex(event.vmptr)} is entered`, pool.by, event);
      return;
    }
    this.#checkVmcs(pool.vmcss, pool.by, event);
  }

  #find(rule: Rule, what: string, earlier: HistoryEvent | undefined, event: HistoryEvent): void {
    this.report(rule, {
      message: `the pool of vcpu ${event.vcpu} ${what}`,
      ...(event.vmcs === undefined ? {} : { vmcs: event.vmcs }),
      cpus: [],
      events: contradiction(earlier, event),
    });
  }
}

/** What the 2011 design's functions make of a pool: nested_get_current_vmcs02 and nested_free_vmcs02. */
function orderAfter(before: readonly number[], { kind, vmptr, from }: HistoryEvent): readonly number[] {
  if (vmptr === undefined || kind === "pool.allocFail") return before;
  const removed = kind === "pool.recycle" ? from : vmptr;
  if ((kind === "pool.hit" || kind === "pool.free") && !before.includes(vmptr)) return before;
  const rest = kind === "pool.allocate" ? before : before.filter((entry) => entry !== removed);
  return kind === "pool.free" ? rest : [vmptr, ...rest];
}

function followVmcs(vmcss: Map<number, number>, { kind, vmptr, from, vmcs }: HistoryEvent): void {
  if (kind === "pool.recycle" && from !== undefined) vmcss.delete(from);
  if (vmptr === undefined || kind === "pool.allocFail") return;
  if (kind === "pool.free") vmcss.delete(vmptr);
  else if (vmcs !== undefined) vmcss.set(vmptr, vmcs);
}

function show(order: readonly number[]): string {
  return `[${order.map(hex).join(" ")}]`;
}

function hex(address: number | undefined): string {
  return address === undefined ? "nothing" : `0x${address.toString(16)}`;
}
