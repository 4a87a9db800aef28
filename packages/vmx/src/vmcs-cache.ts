/**
 * The VMCSs that one logical processor keeps in private storage (SDM 24.1). Nothing here is coherent with memory: what
 * VMWRITE changed reaches memory only through VMCLEAR. A copy is kept after VMCLEAR, and used again by VMPTRLD if the
 * page has not changed since: the same as reading it again, but faster.
 */
import type { FieldName } from "./field-encodings.js";
import { FieldStore } from "./field-store.js";
import { FIELD_COUNT, FIELDS } from "./fields.js";
import { type Memory, type Page, readLaunchWord, writeFieldWord, writeLaunchWord } from "./memory.js";

/** Areas of the entry checks that a change invalidates. */
export const Unchecked = { controls: 1, host: 2, guest: 4, all: 7 } as const;

/** The controls decide which rules apply to the other two areas. */
const UNCHECKED_BY_TYPE = {
  control: Unchecked.all,
  host: Unchecked.host,
  guest: Unchecked.guest,
  exitInfo: 0,
} as const;

/** Fields that no entry check reads, among those that hypervisors write often. */
export const NEVER_CHECKED: ReadonlySet<FieldName> = new Set<FieldName>([
  "EXCEPTION_BITMAP",
  "PAGE_FAULT_ERROR_CODE_MASK",
  "PAGE_FAULT_ERROR_CODE_MATCH",
  "CR0_GUEST_HOST_MASK",
  "CR4_GUEST_HOST_MASK",
  "CR0_READ_SHADOW",
  "CR4_READ_SHADOW",
  "TSC_OFFSET",
  "GUEST_RSP",
  "GUEST_SYSENTER_CS",
  "GUEST_INTR_STATUS",
  "VMX_PREEMPTION_TIMER_VALUE",
  "HOST_RSP",
  "HOST_IA32_SYSENTER_CS",
]);

const UNCHECKED_BY_FIELD = Uint8Array.from(FIELDS, (field) =>
  NEVER_CHECKED.has(field.name) ? 0 : UNCHECKED_BY_TYPE[field.type],
);

const STALE = -1;

/** One VMCS on one processor. */
export class CachedVmcs {
  readonly region: number;
  readonly regionLow: number;
  readonly regionHigh: number;
  readonly page: Page;
  readonly fields: FieldStore = new FieldStore();
  active = false;
  launched = false;
  /** Of Unchecked: what has changed since the last successful entry. */
  unchecked: number = Unchecked.all;
  /** `page.version` when `fields` and memory were last the same, or STALE. */
  version: number = STALE;
  readonly dirty: Uint8Array = new Uint8Array(FIELD_COUNT);
  readonly dirtyList: Uint16Array = new Uint16Array(FIELD_COUNT);
  dirtyCount = 0;

  constructor(region: number, page: Page) {
    this.region = region;
    this.regionLow = region >>> 0;
    this.regionHigh = Math.floor(region / 0x1_0000_0000);
    this.page = page;
  }

  /** Bit 31 of the region's first dword (SDM 24.10). */
  get isShadow(): boolean {
    return (this.page.words[0] ?? 0) >>> 31 === 1;
  }

  /** Stores one field, already cut to its width. */
  store(index: number, low: number, high: number): void {
    this.fields.low[index] = low;
    this.fields.high[index] = high;
    this.unchecked |= UNCHECKED_BY_FIELD[index] ?? 0;
    if (this.dirty[index] === 0) this.#markDirty(index);
  }

  #markDirty(index: number): void {
    this.dirty[index] = 1;
    this.dirtyList[this.dirtyCount] = index;
    this.dirtyCount++;
  }

  /** VMPTRLD of a VMCS that is not active here. */
  activate(memory: Memory): void {
    const page = this.page;
    if (this.version !== page.version) {
      memory.readImage(this.region, this.fields);
      this.version = page.version;
      this.unchecked = Unchecked.all;
    }
    this.launched = readLaunchWord(page);
    this.active = true;
    page.activeOn++;
  }

  /** VMCLEAR of a VMCS that is active here: data to memory, launch state clear, inactive. */
  flush(): void {
    const page = this.page;
    const inStep = this.version === page.version;
    if (this.dirtyCount > 0) this.#writeBack(page);
    writeLaunchWord(page, false);
    this.version = inStep ? page.version : STALE;
    this.deactivate();
  }

  #writeBack(page: Page): void {
    for (let position = 0; position < this.dirtyCount; position++) {
      const index = this.dirtyList[position] ?? 0;
      this.dirty[index] = 0;
      writeFieldWord(page, index, this.fields);
    }
    this.dirtyCount = 0;
    page.version++;
  }

  /** The processor forgets what it has not written back. */
  lose(): void {
    this.dirty.fill(0);
    this.dirtyCount = 0;
    this.version = STALE;
    this.deactivate();
  }

  deactivate(): void {
    this.active = false;
    this.launched = false;
    this.page.activeOn--;
  }
}

/**
 * What becomes of data that was not VMCLEARed when the processor stops holding it: the manual promises nothing (SDM
 * 24.11.1).
 */
export type DeactivationPolicy = "writeBack" | "lose";

/** Slots that are looked at before the map: recently used VMCSs by page number. */
const SLOTS = 64;
/** Copies of inactive VMCSs are thrown away when more than this many VMCSs are known, and twice as many as were left the last time. */
const KNOWN_MIN = 512;

export class VmcsCache {
  readonly #known = new Map<number, CachedVmcs>();
  #limit = KNOWN_MIN;
  readonly #slots: (CachedVmcs | undefined)[] = new Array<CachedVmcs | undefined>(SLOTS).fill(undefined);

  /** The copy kept here, active or not. */
  find(region: number, regionLow: number): CachedVmcs | undefined {
    const slot = (regionLow >>> 12) & (SLOTS - 1);
    const recent = this.#slots[slot];
    if (recent !== undefined && recent.region === region && !recent.page.dropped) return recent;
    const known = this.#known.get(region);
    if (known === undefined || known.page.dropped) return undefined;
    this.#slots[slot] = known;
    return known;
  }

  /** Makes an entry for a region whose page exists. */
  add(region: number, page: Page): CachedVmcs {
    if (this.#known.size >= this.#limit) this.#forgetInactive();
    const entry = new CachedVmcs(region, page);
    this.#known.set(region, entry);
    this.#slots[(entry.regionLow >>> 12) & (SLOTS - 1)] = entry;
    return entry;
  }

  activeEntries(): CachedVmcs[] {
    return [...this.#known.values()].filter((entry) => entry.active);
  }

  /** VMXOFF, INIT or RESET: nothing stays active. Returns how many were. */
  deactivateAll(policy: DeactivationPolicy): number {
    const entries = this.activeEntries();
    for (const entry of entries) {
      if (policy === "writeBack") entry.flush();
      else entry.lose();
    }
    return entries.length;
  }

  #forgetInactive(): void {
    this.#slots.fill(undefined);
    for (const [region, entry] of this.#known) if (!entry.active) this.#known.delete(region);
    // Where most are active there is little to throw away: to look again for each of them would cost more with every one.
    this.#limit = Math.max(KNOWN_MIN, 2 * this.#known.size);
  }
}
