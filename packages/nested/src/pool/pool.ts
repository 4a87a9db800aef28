import { invariant } from "@vmcslab/vmx";
import { fail, type Steps } from "../effect.js";
import { clearAll } from "../host/clear.js";
import type { LoadedVmcs } from "../host/loaded-vmcs.js";
import type { Task } from "../host/task.js";
import type { PoolEntry, Vcpu } from "../host/vcpu.js";

/*
 * The vmcs02 pool of 2011 (kernel commit ff2f6fe96188), with what later kernels mended. Per vcpu, most recently used first:
 *
 *     pool: [ 0x3000 → vmcs 7 | 0x5000 → vmcs 4 | 0x4000 → vmcs 9 ]      capacity max(size, 1)
 *             most recent                         victim
 */

/** The vmcs02 for the current vmcs12. */
export interface CurrentVmcs02 {
  readonly vmcs: LoadedVmcs;
  /** `hit`: it last ran this very vmcs12. Otherwise it holds another L2's state, or none: everything must be written (H4). */
  readonly how: "hit" | "recycle" | "allocate";
}

/**
 * nested_get_current_vmcs02. A hit moves to the front; a full pool recycles its tail, which keeps its hardware VMCS, its CPU and its launched
 * flag and takes the new key; otherwise a new VMCS is allocated. The recycle comes before any allocation, so a full pool cannot fail.
 */
export function getCurrentVmcs02(task: Task): CurrentVmcs02 {
  const { vcpu } = task;
  const vmptr = vcpu.currentVmptr;
  const found = vcpu.pool.find((entry) => entry.vmptr === vmptr);
  if (found !== undefined) {
    moveToFront(vcpu, found);
    task.host.counters.poolHits++;
    emitPool(task, "pool.hit", found);
    return { vmcs: found.vmcs, how: "hit" };
  }
  if (vcpu.pool.length >= vcpu.poolCapacity) return { vmcs: recycle(task, vmptr), how: "recycle" };
  return { vmcs: allocate(task, vmptr), how: "allocate" };
}

function recycle(task: Task, vmptr: number): LoadedVmcs {
  const { vcpu } = task;
  const victim = vcpu.pool.at(-1);
  invariant(victim !== undefined, "a full pool has a tail");
  // H3: safe because L1 runs on vmcs01 when it executes VMLAUNCH.
  invariant(victim.vmcs !== vcpu.loaded, "a vmcs02 in use is never recycled");
  const from = victim.vmptr;
  victim.vmptr = vmptr;
  moveToFront(vcpu, victim);
  task.host.counters.poolRecycles++;
  emitPool(task, "pool.recycle", victim, from);
  return victim.vmcs;
}

function allocate(task: Task, vmptr: number): LoadedVmcs {
  const { host, vcpu } = task;
  const vmcs = vcpu.spareVmcs02 ?? newVmcs02(task, (message) => refuse(task, message));
  vcpu.spareVmcs02 = undefined;
  const entry = { vmptr, vmcs };
  vcpu.pool.unshift(entry);
  host.counters.poolAllocations++;
  emitPool(task, "pool.allocate", entry);
  return vmcs;
}

function newVmcs02({ host, vcpu, operation }: Task, refused: (message: string) => never): LoadedVmcs {
  if (!host.allocator.allocateNode()) refused("no memory for a pool entry");
  const vmcs = host.allocateVmcs("vmcs02", vcpu.id, operation);
  if (vmcs !== undefined) return vmcs;
  host.allocator.freeNode();
  refused("no page for a vmcs02");
}

/** enter_vmx_operation of the design `single`: the vcpu's one vmcs02 is allocated before L1 is in VMX operation, and without it L1's VMXON fails (ENOMEM to user space). */
export function reserveVmcs02(task: Task): void {
  const { vcpu } = task;
  vcpu.spareVmcs02 ??= newVmcs02(task, (message) => fail("noMemory", `${message} (VMXON of vcpu ${vcpu.id})`));
}

function refuse(task: Task, message: string): never {
  const { vcpu, operation } = task;
  task.host.emit({
    kind: "pool.allocFail",
    operation,
    vcpu: vcpu.id,
    vmptr: vcpu.currentVmptr,
    count: vcpu.poolCapacity,
    order: vcpu.poolOrder(),
  });
  fail("noMemory", `${message} (vcpu ${vcpu.id}, vmcs12 0x${vcpu.currentVmptr.toString(16)})`);
}

/** nested_free_vmcs02: drops the entry for one vmcs12, because L1 executed VMCLEAR on it and may use its page for another (H15). */
export function* freeVmcs02(task: Task, vmptr: number): Steps<void> {
  const entry = task.vcpu.pool.find((candidate) => candidate.vmptr === vmptr);
  if (entry !== undefined) yield* freeEntries(task, [entry]);
}

/**
 * nested_free_all_saved_vmcss. All clears go out at once, one batch per CPU, and are waited for before any page is freed. The caller has left L2, so
 * vmcs01 is in use; as in kernel 4.9, a vmcs02 that is in use all the same is kept, rather than freed under the processor.
 */
export function* freeAllVmcs02(task: Task): Steps<void> {
  const { host, vcpu, operation } = task;
  yield* freeEntries(task, [...vcpu.pool]);
  const spare = vcpu.spareVmcs02;
  if (spare === undefined) return;
  vcpu.spareVmcs02 = undefined;
  host.freeVmcs(spare, operation);
  host.allocator.freeNode();
}

function* freeEntries(task: Task, entries: readonly PoolEntry[]): Steps<void> {
  const { host, vcpu } = task;
  const unused = entries.filter((entry) => entry.vmcs !== vcpu.loaded);
  yield* clearAll(
    task,
    unused.map((entry) => entry.vmcs),
    "free",
  );
  // A clear on this CPU is still in the script; its page may go only after it was executed.
  yield* task.flush();
  for (const entry of unused) {
    invariant(!entry.vmcs.isActive, "a VMCS is freed only when it is active nowhere");
    vcpu.pool.splice(vcpu.pool.indexOf(entry), 1);
    host.counters.poolFrees++;
    emitPool(task, "pool.free", entry);
    host.freeVmcs(entry.vmcs, task.operation);
    host.allocator.freeNode();
  }
}

function moveToFront(vcpu: Vcpu, entry: PoolEntry): void {
  vcpu.pool.splice(vcpu.pool.indexOf(entry), 1);
  vcpu.pool.unshift(entry);
}

function emitPool(
  task: Task,
  kind: "pool.hit" | "pool.recycle" | "pool.allocate" | "pool.free",
  entry: PoolEntry,
  from?: number,
): void {
  const { vcpu, operation } = task;
  task.host.emit({
    kind,
    operation,
    vcpu: vcpu.id,
    vmptr: entry.vmptr,
    vmcs: entry.vmcs.id,
    count: vcpu.poolCapacity,
    order: vcpu.poolOrder(),
    ...(from === undefined ? {} : { from }),
  });
}
