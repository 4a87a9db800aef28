import { Field, type FieldStore } from "@vmcslab/vmx";
import type { GuestExitRequest } from "../api.js";
import { applyFields, FieldValuesBuilder, nonZeroFields } from "../field-values.js";
import type { BatchInstruction, FieldValues, InstructionResult } from "../interconnect/batch.js";
import type { HostCpu } from "./host-cpu.js";
import type { LoadedVmcs } from "./loaded-vmcs.js";

/** Told how an instruction ended; undefined when the batch stopped before it. */
export type Settle = (result: InstructionResult | undefined) => void;

/** What an operation does on its vcpu's CPU, collected until it has to wait: one batch, one round trip. */
export class Script {
  readonly instructions: BatchInstruction[] = [];
  readonly #settle: (Settle | undefined)[] = [];

  constructor(readonly cpu: HostCpu) {}

  get isEmpty(): boolean {
    return this.instructions.length === 0;
  }

  push(instruction: BatchInstruction, settle?: Settle): void {
    this.instructions.push(instruction);
    this.#settle.push(settle);
  }

  settle(results: readonly InstructionResult[]): void {
    this.#settle.forEach((settle, i) => {
      settle?.(results[i]);
    });
  }

  interrupt(): void {
    this.push({ kind: "interrupt" });
    this.cpu.running = undefined;
  }

  /** VMPTRLD of a VMCS that is active here. */
  select(vmcs: LoadedVmcs): void {
    this.push({ kind: "vmptrld", region: vmcs.region, epoch: vmcs.epoch });
    this.cpu.current = vmcs;
  }

  /** VMPTRLD of a VMCS that is active nowhere: its home image goes along. */
  activate(vmcs: LoadedVmcs, settle: Settle): void {
    this.push({ kind: "vmptrld", region: vmcs.region, epoch: vmcs.epoch, image: nonZeroFields(vmcs.home) }, settle);
    this.cpu.current = vmcs;
    this.cpu.loaded.add(vmcs);
  }

  write(vmcs: LoadedVmcs, fields: FieldValues): void {
    if (fields.encodings.length === 0) return;
    this.push({ kind: "vmwrite", fields }, (result) => {
      // One that is rebuilt from what L0 knows misses nothing.
      if (result?.status !== "succeed") vmcs.missesWrites = vmcs.home.digest() !== vmcs.known.digest();
    });
    applyFields(fields, vmcs.known);
  }

  /** Everything that L0 knows of it, because some of that was not written. */
  rewrite(vmcs: LoadedVmcs, writable: readonly number[]): void {
    vmcs.missesWrites = false;
    const fields = new FieldValuesBuilder();
    for (const encoding of writable) fields.copy(encoding, vmcs.known);
    this.write(vmcs, fields);
  }

  read(encodings: readonly number[], into: (values: FieldValues) => void): void {
    this.push({ kind: "vmread", encodings }, (result) => {
      if (result?.fields !== undefined) into(result.fields);
    });
  }

  /** The guest leaves. What it changed of itself is in the VMCS from here on. */
  guestExit(
    vmcs: LoadedVmcs,
    exit: Pick<GuestExitRequest, "reason" | "qualification" | "guest">,
    notExecuted: () => void = () => undefined,
  ): void {
    const guest = new FieldValuesBuilder();
    for (const [encoding, value] of exit.guest) guest.add(encoding, value);
    const instruction = {
      kind: "guestExit" as const,
      reason: exit.reason,
      qualificationLow: Number(exit.qualification & 0xffff_ffffn),
      qualificationHigh: Number((exit.qualification >> 32n) & 0xffff_ffffn),
      guest,
    };
    this.push(instruction, (result) => {
      if (result === undefined) notExecuted();
      else applyFields(guest, vmcs.known);
    });
    this.cpu.running = undefined;
  }
}

/** RIP after an instruction of this length. */
export function advancedRip(known: FieldStore, lengthBytes: bigint): bigint {
  return BigInt.asUintN(64, known.read(Field.GUEST_RIP) + lengthBytes);
}
