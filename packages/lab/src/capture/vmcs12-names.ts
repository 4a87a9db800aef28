/** Which vmcs12 an entry uses, and where it lies in the memory of the L1 that is replayed. */
import type { KvmEvent } from "./event.js";
import type { Inferences } from "./inferences.js";

type NestedEnter = Extract<KvmEvent, { kind: "nestedEnter" }>;

/** A kvm_nested_vmenter says this under enlightened VMCS, where no VMPTRLD tells L0 an address. */
const NO_ADDRESS = 0xffff_ffff_ffff_ffffn;
/** vmcs12s are put here, one page each: a captured address may lie where our L1 has no memory. */
const VMCS12_BASE = 0x10_0000;
const PAGE_BYTES = 0x1000;

export class Vmcs12Names {
  readonly #inferences: Inferences;
  readonly #byKey = new Map<string, number>();

  constructor(inferences: Inferences) {
    this.#inferences = inferences;
  }

  /** Address of the vmcs12 of an entry: one page for each that the capture tells apart. */
  addressOf(event: NestedEnter): number {
    if (event.vmcs !== NO_ADDRESS) return this.#pageOf(`address ${event.vmcs}`);
    this.#inferences.note(
      "the vmcs12, which enlightened VMCS hides (its address reads all ones): one per distinct nested EPT pointer",
      event.line,
    );
    return this.#pageOf(`eptp ${event.nestedEptp ?? event.guestPgd ?? "none"}`);
  }

  /** The vmcs12 of a capture that does not tell one from the other. */
  only(): number {
    return this.#pageOf("only");
  }

  #pageOf(key: string): number {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const address = VMCS12_BASE + this.#byKey.size * PAGE_BYTES;
    this.#byKey.set(key, address);
    return address;
  }
}
