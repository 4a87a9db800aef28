import { invariant } from "@vmcslab/vmx";

/** What a VMCS costs to allocate, in the order in which the pool asks for it: its bookkeeping node, then its page. */
export type AllocationKind = "node" | "page";

const PAGE_BYTES = 4096;
const FIRST_PAGE = 0x10_0000;

/**
 * L0's host-physical pages and pool nodes. Freed pages are handed out again, last freed first, as a kernel's allocator does: that is what makes a page
 * freed too early dangerous (H18 in the history of the 2011 patch), and worth checking.
 */
export class Allocator {
  readonly #capacityPages: number;
  readonly #firstPage: number;
  readonly #freed: number[] = [];
  readonly #isFree = new Set<number>();
  readonly #refuse = new Map<AllocationKind, number>();
  #pagesEverUsed = 0;
  #nodes = 0;

  /** `life`: which life of L0's it serves; each has pages of its own. */
  constructor(capacityPages: number, life: number) {
    this.#capacityPages = capacityPages;
    this.#firstPage = FIRST_PAGE + life * capacityPages * PAGE_BYTES;
  }

  get pagesInUse(): number {
    return this.#pagesEverUsed - this.#freed.length;
  }

  get nodesInUse(): number {
    return this.#nodes;
  }

  /** The next `times` allocations of this kind fail: fault injection. */
  refuseNext(kind: AllocationKind, times: number): void {
    this.#refuse.set(kind, times);
  }

  /** Host-physical address of a free page, or undefined when there is none. */
  allocatePage(): number | undefined {
    if (this.#isRefused("page")) return undefined;
    const reused = this.#freed.pop();
    if (reused !== undefined) {
      this.#isFree.delete(reused);
      return reused;
    }
    if (this.#pagesEverUsed >= this.#capacityPages) return undefined;
    return this.#firstPage + PAGE_BYTES * this.#pagesEverUsed++;
  }

  freePage(address: number): void {
    invariant(!this.#isFree.has(address), `page 0x${address.toString(16)} is freed once`);
    this.#isFree.add(address);
    this.#freed.push(address);
  }

  /** This page is in use already, since an earlier life of L0. Those below it that nobody adopts are free. Throws RangeError for one that is not L0's. */
  adopt(address: number): void {
    const index = (address - this.#firstPage) / PAGE_BYTES;
    if (!Number.isInteger(index) || index < 0 || index >= this.#capacityPages)
      throw new RangeError(`page 0x${address.toString(16)} is not among the ${this.#capacityPages} of this L0`);
    for (; this.#pagesEverUsed <= index; this.#pagesEverUsed++)
      this.freePage(this.#firstPage + PAGE_BYTES * this.#pagesEverUsed);
    invariant(this.#isFree.delete(address), `page 0x${address.toString(16)} has one owner`);
    this.#freed.splice(this.#freed.indexOf(address), 1);
  }

  /** This pool node is in use already. */
  adoptNode(): void {
    this.#nodes++;
  }

  allocateNode(): boolean {
    if (this.#isRefused("node")) return false;
    this.#nodes++;
    return true;
  }

  freeNode(): void {
    invariant(this.#nodes > 0, "a pool node is freed once");
    this.#nodes--;
  }

  #isRefused(kind: AllocationKind): boolean {
    const times = this.#refuse.get(kind) ?? 0;
    if (times > 0) this.#refuse.set(kind, times - 1);
    return times > 0;
  }
}
