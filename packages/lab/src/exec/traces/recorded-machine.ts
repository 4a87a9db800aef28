/** The machine that the sequences were recorded on: its regions, and the guest code that GUEST_RIP can name. */
import { ExitReason, Instruction, Op, type OpCode } from "@vmcslab/vmx";
import type { Names } from "../arguments.js";

const PAGE = 0x1000;
const VMCS_REGIONS = 0x1000000;
const VMXON_REGIONS = 0x1008000;
const REGIONS_OF_A_KIND = 8;

/** V0 to V7 and X0 to X7: VMCS and VMXON regions. */
export const REGIONS: ReadonlyMap<string, number> = new Map([
  ...Array.from({ length: REGIONS_OF_A_KIND }, (_, index) => [`V${index}`, VMCS_REGIONS + PAGE * index] as const),
  ...Array.from({ length: REGIONS_OF_A_KIND }, (_, index) => [`X${index}`, VMXON_REGIONS + PAGE * index] as const),
]);

const REGION_NAMES: ReadonlyMap<number, string> = new Map([...REGIONS].map(([name, address]) => [address, name]));

/** As sequences print the current VMCS: `none`, a region, or a number. */
export function regionName(address: number): string {
  if (address < 0) return "none";
  return REGION_NAMES.get(address) ?? `0x${address.toString(16)}`;
}

/** One instruction of guest code. */
export interface GuestCode {
  readonly name: string;
  readonly address: number;
  readonly op: OpCode;
  /** Of Op.vmexit: why this instruction leaves. */
  readonly reason?: number;
  /** Bytes. */
  readonly length: number;
  /** The instruction's displacement, which becomes the exit qualification (SDM 27.2.1). */
  readonly displacement: number;
}

/** Where the recorded program's instructions with a memory operand have it. */
const OPERAND = 0x15b080;

const GUEST_CODE: readonly GuestCode[] = [
  { name: "guest_vmcall", address: 0x10049e, op: Op.vmcall, length: 3, displacement: 0 },
  { name: "guest_cpuid", address: 0x1004a3, op: Op.vmexit, reason: ExitReason.cpuid, length: 2, displacement: 0 },
  { name: "guest_hlt", address: 0x1004a9, op: Op.vmexit, reason: ExitReason.hlt, length: 1, displacement: 0 },
  { name: "guest_vmclear", address: 0x1004b0, op: Op.vmclear, length: 8, displacement: OPERAND },
  { name: "guest_vmlaunch", address: 0x1004c0, op: Op.vmlaunch, length: 3, displacement: 0 },
  { name: "guest_vmptrld", address: 0x1004d0, op: Op.vmptrld, length: 7, displacement: OPERAND },
  { name: "guest_vmptrst", address: 0x1004e0, op: Op.vmptrst, length: 7, displacement: OPERAND },
  { name: "guest_vmread", address: 0x1004f0, op: Op.vmread, length: 3, displacement: 0 },
  { name: "guest_vmresume", address: 0x100500, op: Op.vmresume, length: 3, displacement: 0 },
  { name: "guest_vmwrite", address: 0x100510, op: Op.vmwrite, length: 3, displacement: 0 },
  { name: "guest_vmxoff", address: 0x100520, op: Op.vmxoff, length: 3, displacement: 0 },
  { name: "guest_vmxon", address: 0x100530, op: Op.vmxon, length: 8, displacement: OPERAND },
];

/** `guest_vmxinsn` is where the VMX instructions begin. */
const GUEST_SYMBOLS: ReadonlyMap<string, number> = new Map([
  ...GUEST_CODE.map((code) => [code.name, code.address] as const),
  ["guest_vmxinsn", 0x1004b0] as const,
]);

export function guestCodeAt(address: bigint): GuestCode | undefined {
  return GUEST_CODE.find((code) => BigInt(code.address) === address);
}

const REGION_AND_OFFSET = /^([VX][0-7])(?:\+(0x[0-9a-f]+|\d+))?$/i;
const REVISION_XOR = /^REV(?:\^(0x[0-9a-f]+|\d+))?$/i;

/** What the sequences write instead of numbers, on a processor with this revision identifier. */
export function recordedNames(revision: number): Names {
  return (text, key) => {
    if (key === "addr" || key === "desc") return regionAddress(text);
    if (key === "value") return guestAddress(text) ?? revisionValue(text, revision) ?? regionAddress(text);
    return undefined;
  };
}

function regionAddress(text: string): bigint | undefined {
  const match = REGION_AND_OFFSET.exec(text);
  const base = match === null ? undefined : REGIONS.get((match[1] ?? "").toUpperCase());
  return base === undefined ? undefined : BigInt(base) + BigInt(match?.[2] ?? 0);
}

function guestAddress(text: string): bigint | undefined {
  const address = text.startsWith("@") ? GUEST_SYMBOLS.get(text.slice(1)) : undefined;
  return address === undefined ? undefined : BigInt(address);
}

function revisionValue(text: string, revision: number): bigint | undefined {
  const match = REVISION_XOR.exec(text);
  return match === null ? undefined : BigInt(revision) ^ BigInt(match[1] ?? 0);
}

/** The guest's one instruction. */
export function guestInstruction(code: GuestCode): Instruction {
  return Object.assign(new Instruction(), {
    op: code.op,
    reason: code.reason ?? 0,
    length: code.length,
    qualificationLow: code.displacement,
  });
}
