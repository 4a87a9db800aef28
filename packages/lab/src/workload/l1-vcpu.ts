/**
 * One vcpu, and on it an L1 hypervisor that does what a real one does: VMXON, build a vmcs12, enter it, look at it after the exit. It knows
 * what it must see, and reports what it should not have seen.
 */
import type { L1Instruction, L1Operation, L1Outcome } from "@vmcslab/nested";
import type { OperationName } from "../measure/operations.js";
import type { MeasuredHost } from "./measured-host.js";
import { VMCS12_REVISION, vmcs12Instructions } from "./vmcs12-instructions.js";

/** Page of L1's memory for its VMXON region. */
const VMXON_REGION = 0x1000n;
const VMCALL = 18;
const NO_VMPTR = 0xffff_ffff_ffff_ffffn;

export type FieldValue = readonly [encoding: number, value: bigint];

/** An L2 as its L1 sees it. */
interface Vmcs12 {
  launched: boolean;
}

export class L1Vcpu {
  readonly id: number;
  cpu: number;
  readonly #host: MeasuredHost;
  readonly #unexpected: (message: string) => void;
  readonly #vmcs12s = new Map<number, Vmcs12>();
  #vmxon = false;
  #current: number | undefined;
  #inL2 = false;
  #isDestroyed = false;

  private constructor(host: MeasuredHost, id: number, cpu: number, unexpected?: (message: string) => void) {
    this.#host = host;
    this.#unexpected = unexpected ?? ((message) => host.findings.violation({ check: "l1Outcome", message }));
    this.id = id;
    this.cpu = cpu;
  }

  /** `unexpected` is told what L1 saw that must not be. Default: it is a violation. */
  static async create(host: MeasuredHost, cpu: number, unexpected?: (message: string) => void): Promise<L1Vcpu> {
    return new L1Vcpu(host, await host.createVcpu(cpu), cpu, unexpected);
  }

  get vmxon(): boolean {
    return this.#vmxon;
  }

  /** Address of the current vmcs12. */
  get current(): number | undefined {
    return this.#current;
  }

  get inL2(): boolean {
    return this.#inL2;
  }

  isBuilt(vmptr: number): boolean {
    return this.#vmcs12s.has(vmptr);
  }

  isLaunched(vmptr: number): boolean {
    return this.#vmcs12s.get(vmptr)?.launched ?? false;
  }

  async place(cpu: number): Promise<void> {
    if (cpu === this.cpu) return;
    await this.#host.placeVcpu(this.id, cpu);
    this.cpu = cpu;
  }

  /** Moves, after an operation failed and nobody knows how far it came, and takes over from L0 what is so. */
  async recoverOn(cpu: number): Promise<void> {
    await this.#host.placeVcpu(this.id, cpu);
    const state = await this.#host.nestedState(this.id);
    this.cpu = state.cpu;
    this.#vmxon = state.vmxon;
    // A VMXOFF took effect that was not answered.
    if (!state.vmxon) this.#vmcs12s.clear();
    this.#current = state.currentVmptr === NO_VMPTR ? undefined : Number(state.currentVmptr);
    this.#inL2 = state.guestMode;
    const entered = this.#current === undefined ? undefined : this.#vmcs12s.get(this.#current);
    if (entered !== undefined && this.#inL2) entered.launched = true;
  }

  async enterVmxOperation(): Promise<void> {
    const revision: L1Operation = { op: "write32", addr: VMXON_REGION, value: VMCS12_REVISION };
    await this.#succeed("vmxon", [revision, { op: "vmxon", addr: VMXON_REGION }]);
    this.#vmxon = true;
  }

  async leaveVmxOperation(): Promise<void> {
    await this.#succeed("vmxoff", [{ op: "vmxoff" }]);
    this.#vmxon = false;
    this.#current = undefined;
    // VMXOFF need not write the current vmcs12 back, and KVM does not: L1 has to build anew what it wants to enter again.
    this.#vmcs12s.clear();
  }

  /** Builds a vmcs12 with which an entry succeeds, with `fields` over the usual ones, and makes it current. */
  async build(vmptr: number, fields: readonly FieldValue[]): Promise<void> {
    await this.#succeed("setup", vmcs12Instructions(BigInt(vmptr), fields));
    this.#vmcs12s.set(vmptr, { launched: false });
    this.#current = vmptr;
  }

  async load(vmptr: number): Promise<void> {
    await this.#succeed("vmptrld", [{ op: "vmptrld", addr: BigInt(vmptr) }]);
    this.#current = vmptr;
  }

  async clear(vmptr: number): Promise<void> {
    await this.#succeed("vmclear", [{ op: "vmclear", addr: BigInt(vmptr) }]);
    const vmcs12 = this.#vmcs12s.get(vmptr);
    if (vmcs12 !== undefined) vmcs12.launched = false;
    if (this.#current === vmptr) this.#current = undefined;
  }

  /** Enters the current vmcs12, after writing `fields`: VMLAUNCH or VMRESUME, as its launch state demands. */
  async enter(fields: readonly FieldValue[] = []): Promise<void> {
    const vmcs12 = this.#current === undefined ? undefined : this.#vmcs12s.get(this.#current);
    const op = vmcs12?.launched === true ? "vmresume" : "vmlaunch";
    const writes = fields.map(([encoding, value]) => vmwrite(encoding, value));
    const outcomes = await this.#host.runL1(op, this.id, [...writes, { op }]);
    if (!this.#allSucceeded(op, outcomes.slice(0, -1)) || !this.#isEntry(op, outcomes.at(-1))) throw new L1Stopped();
    if (vmcs12 !== undefined) vmcs12.launched = true;
    this.#inL2 = true;
  }

  /** The guest leaves; `interruptForL1`: and L0 has an interrupt for L1. Says whether L1 runs now. */
  async exit(
    reason: number,
    qualification: bigint,
    guest: readonly FieldValue[],
    interruptForL1 = false,
  ): Promise<boolean> {
    const answer = await this.#host.guestExit({ vcpu: this.id, reason, qualification, guest, interruptForL1 });
    if (answer.level !== (this.#inL2 ? 2 : 1)) {
      this.#tell(`an exit for reason ${reason} was of level ${answer.level}, but L${this.#inL2 ? 2 : 1} was running`);
      throw new L1Stopped();
    }
    if (answer.reflected) this.#inL2 = false;
    return !this.#inL2;
  }

  /** L2 calls L1, which always wants to see that. */
  async callL1(): Promise<void> {
    if (this.#inL2 && !(await this.exit(VMCALL, 0n, []))) {
      this.#tell("a VMCALL of L2 did not reach L1");
      throw new L1Stopped();
    }
  }

  /** VMREADs. */
  async read(name: OperationName, encodings: readonly number[]): Promise<readonly bigint[]> {
    const outcomes = await this.#succeed(
      name,
      encodings.map((encoding) => ({ op: "vmread", field: BigInt(encoding) })),
    );
    return outcomes.map((outcome) => outcome.value ?? 0n);
  }

  /** One instruction that changes nothing this class keeps track of. */
  async instruction(instruction: L1Instruction & { op: "vmptrst" | "vmread" | "vmwrite" }): Promise<void> {
    await this.#succeed(instruction.op, [instruction]);
  }

  /** Ends as L1 ends before its vcpu goes: out of L2, out of VMX operation. */
  async finish(): Promise<void> {
    if (this.#isDestroyed) return;
    await this.callL1();
    if (this.#vmxon) await this.leaveVmxOperation();
  }

  /** Once: it is nothing to destroy what was. */
  async destroy(): Promise<void> {
    if (this.#isDestroyed) return;
    await this.#host.destroyVcpu(this.id);
    this.#isDestroyed = true;
  }

  async #succeed(name: OperationName, instructions: readonly L1Instruction[]): Promise<readonly L1Outcome[]> {
    const outcomes = await this.#host.runL1(name, this.id, instructions);
    const isWhole = outcomes.length === instructions.length;
    if (!isWhole) this.#tell(`${name}: ${outcomes.length} of ${instructions.length} instructions were executed`);
    if (!this.#allSucceeded(name, outcomes) || !isWhole) throw new L1Stopped();
    return outcomes;
  }

  #allSucceeded(name: string, outcomes: readonly L1Outcome[]): boolean {
    const index = outcomes.findIndex(({ status }) => status !== "succeed");
    const bad = outcomes[index];
    if (bad !== undefined) this.#tell(`${name}: instruction ${index + 1} ended with ${describeOutcome(bad)}`);
    return bad === undefined;
  }

  #isEntry(op: string, outcome: L1Outcome | undefined): boolean {
    if (outcome?.status === "l2") return true;
    this.#tell(
      `${op} of vmcs12 0x${this.#current?.toString(16) ?? "none"} ended with ${outcome === undefined ? "nothing" : describeOutcome(outcome)}`,
    );
    return false;
  }

  #tell(message: string): void {
    this.#unexpected(`vcpu ${this.id}: ${message}`);
  }
}

/** L1 saw what must not be, and cannot go on; it is in the findings. */
export class L1Stopped extends Error {
  override readonly name = "L1Stopped";
}

function vmwrite(encoding: number, value: bigint): L1Instruction {
  return { op: "vmwrite", field: BigInt(encoding), value };
}

function describeOutcome({ status, error, vector, reason, qualification }: L1Outcome): string {
  const details = Object.entries({ error, vector, reason, qualification }).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key} ${value}`],
  );
  return [status, ...details].join(", ");
}
