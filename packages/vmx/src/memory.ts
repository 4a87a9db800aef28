/**
 * Physical memory: sparse 4-KiB pages, zero-filled, with ordinary stores and the VMCS regions that processors write
 * back.
 */

import { type FieldStore, HIGH_MASK, LOW_MASK } from "./field-store.js";
import { FIELD_COUNT } from "./fields.js";
import { invariant } from "./invariant.js";

export const PAGE_BYTES = 4096;
const PAGE_WORDS = PAGE_BYTES / 4;
const ALL_ONES = 0xffffffff;

/** Words of a VMCS region (SDM 24.2): 0 revision identifier, 1 VMX-abort indicator; from 2 on the layout is ours. */
const LAUNCH_WORD = 2;
const FIELDS_WORD = 4;

/**
 * One page. Processors keep a reference to tell by `version` whether their copy of a VMCS is still what memory holds.
 */
export class Page {
  readonly words: Uint32Array = new Uint32Array(PAGE_WORDS);
  /** Grows with every change of the contents, whoever made it. */
  version = 0;
  /** How many processors hold this page as an active VMCS. More than one is a hazard: SDM 24.11.1. */
  activeOn = 0;
  /** How many processors use this page as their VMXON region. */
  vmxonOn = 0;
  /** A VMCLEAR has initialised the launch state since the last ordinary store over it. */
  launchInitialised = false;
  /** No longer part of any memory. */
  dropped = false;
}

export class Memory {
  /** Bytes that exist, from address 0. */
  readonly bytes: number;
  readonly #pages = new Map<number, Page>();

  /** Beyond `bytes`, reads give all ones and writes are dropped, as on a bus where nobody answers. */
  constructor(options: { bytes?: number } = {}) {
    this.bytes = options.bytes ?? Number.POSITIVE_INFINITY;
  }

  /** The page that holds `address`, if anything was ever written to it. */
  pageAt(address: number): Page | undefined {
    return this.#pages.get(Math.floor(address / PAGE_BYTES));
  }

  /** Every page that was ever written to, with its number. */
  pages(): Iterable<readonly [number: number, page: Page]> {
    return this.#pages;
  }

  /** How many pages were ever written to and not dropped. */
  get pageCount(): number {
    return this.#pages.size;
  }

  /** The page that holds `address`, made if need be; undefined beyond the end of memory. */
  pageFor(address: number): Page | undefined {
    if (address >= this.bytes) return undefined;
    const number = Math.floor(address / PAGE_BYTES);
    const existing = this.#pages.get(number);
    if (existing !== undefined) return existing;
    const page = new Page();
    this.#pages.set(number, page);
    return page;
  }

  /** Little-endian; `address` may be unaligned. */
  read32(address: number): number {
    checkAddress(address);
    const shift = (address % 4) * 8;
    const low = this.#word(address - (address % 4));
    if (shift === 0) return low;
    return ((low >>> shift) | (this.#word(address - (address % 4) + 4) << (32 - shift))) >>> 0;
  }

  /** An ordinary store: it drops what is known of a launch state that it overwrites. */
  write32(address: number, value: number): void {
    checkAddress(address);
    const aligned = address - (address % 4);
    const shift = (address % 4) * 8;
    if (shift === 0) {
      this.#storeWord(aligned, value >>> 0, 0);
      return;
    }
    const keepLow = (1 << shift) - 1;
    this.#storeWord(aligned, (value << shift) >>> 0, keepLow);
    this.#storeWord(aligned + 4, value >>> (32 - shift), ~keepLow);
  }

  read64(address: number): bigint {
    return (BigInt(this.read32(address + 4)) << 32n) | BigInt(this.read32(address));
  }

  write64(address: number, value: bigint): void {
    this.write32(address, Number(BigInt.asUintN(32, value)));
    this.write32(address + 4, Number(BigInt.asUintN(32, value >> 32n)));
  }

  /** Ordinary stores of zeros over the 4-KiB page that holds `address`. */
  zeroPage(address: number): void {
    const page = this.pageAt(address);
    if (page === undefined) return;
    page.words.fill(0);
    page.version++;
    page.launchInitialised = false;
  }

  /**
   * Frees the page: it reads as zeros again. A processor that still holds it will write it back: SDM 24.11.1 forbids
   * freeing it then.
   */
  dropPage(address: number): void {
    const page = this.pageAt(address);
    if (page === undefined) return;
    this.zeroPage(address);
    if (page.activeOn > 0 || page.vmxonOn > 0) return;
    page.dropped = true;
    this.#pages.delete(Math.floor(address / PAGE_BYTES));
  }

  /** Power-on: everything reads as zeros. As `dropPage` for every page. */
  clear(): void {
    for (const number of [...this.#pages.keys()]) this.dropPage(number * PAGE_BYTES);
  }

  /** The field area of a VMCS region. */
  readImage(region: number, into: FieldStore): void {
    const page = this.pageAt(region);
    if (page === undefined) {
      const fill = region < this.bytes ? 0 : ALL_ONES;
      for (let index = 0; index < FIELD_COUNT; index++) into.set(index, fill, fill);
      return;
    }
    const { words } = page;
    const { low, high } = into;
    for (let index = 0; index < FIELD_COUNT; index++) {
      const word = FIELDS_WORD + 2 * index;
      low[index] = (words[word] ?? 0) & (LOW_MASK[index] ?? 0);
      high[index] = (words[word + 1] ?? 0) & (HIGH_MASK[index] ?? 0);
    }
  }

  writeImage(region: number, from: FieldStore): void {
    const page = this.pageFor(region);
    if (page === undefined) return;
    for (let index = 0; index < FIELD_COUNT; index++) writeFieldWord(page, index, from);
    page.version++;
  }

  /** Launch state as memory holds it: only VMCLEAR, which makes it clear, and `writeLaunched` put it there. */
  readLaunched(region: number): boolean {
    const page = this.pageAt(region);
    return page === undefined ? region >= this.bytes : readLaunchWord(page);
  }

  writeLaunched(region: number, launched: boolean): void {
    const page = this.pageFor(region);
    if (page !== undefined) writeLaunchWord(page, launched);
  }

  #word(aligned: number): number {
    if (aligned >= this.bytes) return ALL_ONES;
    return this.pageAt(aligned)?.words[(aligned % PAGE_BYTES) / 4] ?? 0;
  }

  #storeWord(aligned: number, bits: number, keep: number): void {
    const page = this.pageFor(aligned);
    if (page === undefined) return;
    const word = (aligned % PAGE_BYTES) / 4;
    page.words[word] = ((page.words[word] ?? 0) & keep) | bits;
    page.version++;
    if (word === LAUNCH_WORD) page.launchInitialised = false;
  }
}

/** Writes one field into the field area. The caller advances the version. */
export function writeFieldWord(page: Page, index: number, from: FieldStore): void {
  const word = FIELDS_WORD + 2 * index;
  page.words[word] = from.low[index] ?? 0;
  page.words[word + 1] = from.high[index] ?? 0;
}

export function readLaunchWord(page: Page): boolean {
  return page.words[LAUNCH_WORD] === 1;
}

/** Advances the version only when something changes, so that copies stay good. */
export function writeLaunchWord(page: Page, launched: boolean): void {
  page.launchInitialised = true;
  const word = launched ? 1 : 0;
  if (page.words[LAUNCH_WORD] === word) return;
  page.words[LAUNCH_WORD] = word;
  page.version++;
}

function checkAddress(address: number): void {
  if (!Number.isSafeInteger(address) || address < 0)
    invariant(false, "a physical address is an unsigned integer below 2^53", { address });
}
