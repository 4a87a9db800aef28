/** A vcpu that is about to move: what runs on it, and what its VMCS has to write back. */
import type { MigrateWorkload } from "../experiment/workload-schema.js";
import type { Bystanders } from "./bystanders.js";
import { EXIT_REASONS_OF_L0 } from "./exits-of-l0.js";
import type { Findings } from "./findings.js";
import type { FieldValue, L1Vcpu } from "./l1-vcpu.js";
import { inspectFields } from "./lost-update.js";
import { changedFields } from "./writable-fields.js";

const VMCS12 = 0x10_0000;

export class MigratingGuest {
  readonly #l1: L1Vcpu;
  readonly #options: MigrateWorkload["migrate"];
  readonly #bystanders: Bystanders;
  readonly #findings: Findings;
  #round = 0;
  /** What L2 left behind, as far as that is certain. */
  #left: readonly FieldValue[] = [];

  constructor(l1: L1Vcpu, options: MigrateWorkload["migrate"], bystanders: Bystanders, findings: Findings) {
    this.#l1 = l1;
    this.#options = options;
    this.#bystanders = bystanders;
    this.#findings = findings;
  }

  /** What the next move is to find. Also takes up again where an operation failed. */
  async prepare(): Promise<void> {
    const { fieldsWritten } = this.#options;
    if (!this.#l1.vmxon) await this.#l1.enterVmxOperation();
    if (this.#options.while === "l2") await this.#enterL2();
    if (fieldsWritten > 0) {
      const fields = changedFields(fieldsWritten, this.#round++);
      this.#left = [];
      await this.#l1.exit(EXIT_REASONS_OF_L0.eptMisconfig, 0n, fields);
      if (this.#l1.inL2) this.#left = fields;
    }
    if (this.#options.while === "idle") await this.#bystanders.runOn(this.#l1.cpu);
  }

  /** An operation failed and L1 has recovered. */
  recovered(): void {
    this.#left = [];
  }

  /** L1 looks at what its L2 left behind. */
  async inspect(): Promise<void> {
    if (!this.#l1.inL2) return;
    await this.#l1.callL1();
    await inspectFields(this.#l1, this.#left, this.#findings);
  }

  async #enterL2(): Promise<void> {
    const l1 = this.#l1;
    if (l1.inL2) return;
    if (!l1.isBuilt(VMCS12)) await l1.build(VMCS12, []);
    else if (l1.current !== VMCS12) await l1.load(VMCS12);
    await l1.enter();
  }
}
