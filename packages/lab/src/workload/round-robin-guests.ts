/** The L2 guests of one vcpu, each with a state of its own that no other may ever be seen with. */

import type { RandomStream } from "@vmcslab/faults";
import type { Findings } from "./findings.js";
import type { L1Vcpu } from "./l1-vcpu.js";
import { controlsFor } from "./l1-wants.js";
import { guestStateOf, inspect, type LeftBehind } from "./lost-update.js";

/** vmcs12s of one vcpu: one page each. */
const VMCS12_BASE = 0x10_0000;
const PAGE_BYTES = 0x1000;
/** Every L2 has 4 GiB of addresses for its RIP and RSP, so that a value says whose it is. */
const GUEST_SPAN = 0x1_0000_0000n;
/** Exits that L0 handled before L2 calls L1, so that a guest that L1 asks nothing of also comes to an end. */
const UNSEEN_EXITS_MAX = 8;

interface Guest {
  readonly vmptr: number;
  readonly base: bigint;
  left: LeftBehind;
}

export class RoundRobinGuests {
  readonly #l1: L1Vcpu;
  readonly #guests: readonly Guest[];
  readonly #reasons: readonly number[];
  readonly #random: RandomStream;
  readonly #findings: Findings;
  #running: Guest | undefined;

  constructor(l1: L1Vcpu, count: number, reasons: readonly number[], random: RandomStream, findings: Findings) {
    this.#l1 = l1;
    this.#reasons = reasons;
    this.#random = random;
    this.#findings = findings;
    this.#guests = Array.from({ length: count }, (_, index) => ({
      vmptr: VMCS12_BASE + index * PAGE_BYTES,
      base: BigInt(index + 1) * GUEST_SPAN,
      left: {},
    }));
  }

  /** Those that are not built yet. */
  async buildAll(): Promise<void> {
    if (!this.#l1.vmxon) await this.#l1.enterVmxOperation();
    for (const guest of this.#guests) {
      if (this.#l1.isBuilt(guest.vmptr)) continue;
      guest.left = this.#draw(guest);
      await this.#l1.build(guest.vmptr, [...controlsFor(this.#reasons), ...guestStateOf(guest.left)]);
    }
  }

  /** L1 turns to a guest, checks that it finds it as it left it, and enters it. */
  async enter(index: number): Promise<void> {
    const guest = this.#guests[index];
    if (guest === undefined) throw new RangeError(`no L2 guest ${index}`);
    this.#running = guest;
    if (this.#l1.current !== guest.vmptr) {
      await this.#l1.load(guest.vmptr);
      await inspect(this.#l1, guest.left, this.#findings);
    }
    await this.#l1.enter();
  }

  /** An operation failed and L1 has recovered: how far the guest that was being entered or left came, nobody knows. */
  recovered(): void {
    if (this.#running !== undefined) this.#running.left = {};
    this.#running = this.#l1.inL2 ? this.#guests.find(({ vmptr }) => vmptr === this.#l1.current) : undefined;
  }

  /** The guest works, leaves until an exit reaches L1, and L1 looks at it. */
  async leave(): Promise<void> {
    const guest = this.#running;
    if (guest === undefined) throw new Error("no L2 guest runs");
    for (let exits = 0; exits < UNSEEN_EXITS_MAX; exits++) {
      const reason = this.#reasons[this.#random.below(this.#reasons.length)] ?? 0;
      const { rip, rsp } = this.#draw(guest);
      guest.left = { ...(rip === undefined ? {} : { rip }), ...(rsp === undefined ? {} : { rsp }), reason };
      if (await this.#l1.exit(reason, 0n, guestStateOf(guest.left))) break;
    }
    if (this.#l1.inL2) {
      await this.#l1.callL1();
      const { reason: _, ...state } = guest.left;
      guest.left = state;
    }
    await inspect(this.#l1, guest.left, this.#findings);
    this.#running = undefined;
  }

  #draw({ base }: Guest): { readonly rip: bigint; readonly rsp: bigint } {
    return { rip: base + BigInt(this.#random.next32()), rsp: base + BigInt(this.#random.next32()) * 16n };
  }
}
