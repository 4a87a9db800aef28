/** For tests: a VMCS that passes every check of VM entry, and changes that break one rule each. */
import { Field, type FieldName } from "../field-encodings.js";
import { FieldStore } from "../field-store.js";
import { modelNamed, validGuest } from "./test-machine.js";

export const model = modelNamed("tigerlake");
export type Change = readonly [field: FieldName, value: bigint];

export const primary = BigInt(model.primary.mustBeOne);
export const withSecondary = (bits: bigint): readonly Change[] => [
  ["CPU_BASED_VM_EXEC_CONTROL", primary | 0x80000000n],
  ["SECONDARY_VM_EXEC_CONTROL", bits],
];
export const pin = (bits: bigint): Change => ["PIN_BASED_VM_EXEC_CONTROL", BigInt(model.pinBased.mustBeOne) | bits];
export const exit = (bits: bigint): Change => ["VM_EXIT_CONTROLS", BigInt(model.exit.mustBeOne) | (1n << 9n) | bits];
export const entry = (bits: bigint): Change => ["VM_ENTRY_CONTROLS", BigInt(model.entry.mustBeOne) | (1n << 9n) | bits];
export const inject = (information: bigint): Change => ["VM_ENTRY_INTR_INFO_FIELD", 0x80000000n | information];

export function fieldsWith(changes: readonly Change[]): FieldStore {
  const fields = new FieldStore();
  for (const [encoding, value] of validGuest(model)) fields.write(encoding, value);
  for (const [name, value] of changes) fields.write(Field[name], value);
  return fields;
}

export const CONTROLS: readonly (readonly [section: string, field: FieldName, changes: readonly Change[]])[] = [
  ["SDM 26.2.1.1", "PIN_BASED_VM_EXEC_CONTROL", [["PIN_BASED_VM_EXEC_CONTROL", 0n]]],
  ["SDM 26.2.1.1", "PIN_BASED_VM_EXEC_CONTROL", [["PIN_BASED_VM_EXEC_CONTROL", 0xffffffffn]]],
  ["SDM 26.2.1.1", "CPU_BASED_VM_EXEC_CONTROL", [["CPU_BASED_VM_EXEC_CONTROL", 0n]]],
  ["SDM 26.2.1.1", "SECONDARY_VM_EXEC_CONTROL", withSecondary(1n << 31n)],
  ["SDM 26.2.1.1", "CR3_TARGET_COUNT", [["CR3_TARGET_COUNT", 5n]]],
  [
    "SDM 26.2.1.1",
    "IO_BITMAP_B",
    [
      ["CPU_BASED_VM_EXEC_CONTROL", primary | (1n << 25n)],
      ["IO_BITMAP_B", 1n],
    ],
  ],
  [
    "SDM 26.2.1.1",
    "MSR_BITMAP",
    [
      ["CPU_BASED_VM_EXEC_CONTROL", primary | (1n << 28n)],
      ["MSR_BITMAP", 1n << 40n],
    ],
  ],
  [
    "SDM 26.2.1.1",
    "TPR_THRESHOLD",
    [
      ["CPU_BASED_VM_EXEC_CONTROL", primary | (1n << 21n)],
      ["TPR_THRESHOLD", 0x10n],
    ],
  ],
  ["SDM 26.2.1.1", "PIN_BASED_VM_EXEC_CONTROL", [pin(1n << 5n)]],
  ["SDM 26.2.1.1", "CPU_BASED_VM_EXEC_CONTROL", [["CPU_BASED_VM_EXEC_CONTROL", primary | (1n << 22n)]]],
  ["SDM 26.2.1.1", "SECONDARY_VM_EXEC_CONTROL", withSecondary(1n << 4n)],
  ["SDM 26.2.1.1", "VIRTUAL_PROCESSOR_ID", withSecondary(1n << 5n)],
  ["SDM 26.2.1.1", "EPT_POINTER", withSecondary(1n << 1n)],
  ["SDM 26.2.1.1", "SECONDARY_VM_EXEC_CONTROL", withSecondary(1n << 7n)],
  ["SDM 26.2.1.1", "VM_FUNCTION_CONTROL", [...withSecondary(1n << 13n), ["VM_FUNCTION_CONTROL", 2n]]],
  ["SDM 26.2.1.1", "EPTP_LIST_ADDRESS", [...withSecondary(1n << 13n), ["VM_FUNCTION_CONTROL", 1n]]],
  ["SDM 26.2.1.1", "VMREAD_BITMAP", [...withSecondary(1n << 14n), ["VMREAD_BITMAP", 8n]]],
  ["SDM 26.2.1.2", "VM_EXIT_CONTROLS", [["VM_EXIT_CONTROLS", 0n]]],
  ["SDM 26.2.1.2", "VM_EXIT_CONTROLS", [exit(1n << 22n)]],
  [
    "SDM 26.2.1.2",
    "VM_EXIT_MSR_LOAD_ADDR",
    [
      ["VM_EXIT_MSR_LOAD_COUNT", 1n],
      ["VM_EXIT_MSR_LOAD_ADDR", 8n],
    ],
  ],
  [
    "SDM 26.2.1.2",
    "VM_EXIT_MSR_STORE_ADDR",
    [
      ["VM_EXIT_MSR_STORE_COUNT", 2n],
      ["VM_EXIT_MSR_STORE_ADDR", 0xfffffffff0n],
    ],
  ],
  ["SDM 26.2.1.3", "VM_ENTRY_CONTROLS", [["VM_ENTRY_CONTROLS", 0n]]],
  ["SDM 26.2.1.3", "VM_ENTRY_INTR_INFO_FIELD", [inject(0x103n)]],
  ["SDM 26.2.1.3", "VM_ENTRY_INTR_INFO_FIELD", [inject(0x203n)]],
  ["SDM 26.2.1.3", "VM_ENTRY_INTR_INFO_FIELD", [inject(0x320n)]],
  ["SDM 26.2.1.3", "VM_ENTRY_INTR_INFO_FIELD", [inject(0x30dn)]],
  ["SDM 26.2.1.3", "VM_ENTRY_INTR_INFO_FIELD", [inject(0xb06n)]],
  ["SDM 26.2.1.3", "VM_ENTRY_INTR_INFO_FIELD", [inject(0x1020n)]],
  ["SDM 26.2.1.3", "VM_ENTRY_EXCEPTION_ERROR_CODE", [inject(0xb0dn), ["VM_ENTRY_EXCEPTION_ERROR_CODE", 0x8000n]]],
  ["SDM 26.2.1.3", "VM_ENTRY_INSTRUCTION_LEN", [inject(0x420n), ["VM_ENTRY_INSTRUCTION_LEN", 16n]]],
  [
    "SDM 26.2.1.3",
    "VM_ENTRY_MSR_LOAD_ADDR",
    [
      ["VM_ENTRY_MSR_LOAD_COUNT", 1n],
      ["VM_ENTRY_MSR_LOAD_ADDR", 1n << 40n],
    ],
  ],
];

export const HOST: readonly (readonly [section: string, field: FieldName, changes: readonly Change[]])[] = [
  ["SDM 26.2.2", "HOST_CR0", [["HOST_CR0", 0n]]],
  ["SDM 26.2.2", "HOST_CR0", [["HOST_CR0", 0x1_8000_0031n]]],
  ["SDM 26.2.2", "HOST_CR4", [["HOST_CR4", 0x20n]]],
  ["SDM 26.2.2", "HOST_CR3", [["HOST_CR3", 1n << 40n]]],
  ["SDM 26.2.2", "HOST_IA32_SYSENTER_EIP", [["HOST_IA32_SYSENTER_EIP", 1n << 47n]]],
  ["SDM 26.2.2", "HOST_IA32_PAT", [exit(1n << 19n), ["HOST_IA32_PAT", 2n]]],
  ["SDM 26.2.2", "HOST_IA32_EFER", [exit(1n << 21n), ["HOST_IA32_EFER", 0x400n]]],
  ["SDM 26.2.3", "HOST_CS_SELECTOR", [["HOST_CS_SELECTOR", 0xbn]]],
  ["SDM 26.2.3", "HOST_TR_SELECTOR", [["HOST_TR_SELECTOR", 0x34n]]],
  ["SDM 26.2.3", "HOST_CS_SELECTOR", [["HOST_CS_SELECTOR", 0n]]],
  ["SDM 26.2.3", "HOST_TR_SELECTOR", [["HOST_TR_SELECTOR", 0n]]],
  ["SDM 26.2.3", "HOST_GDTR_BASE", [["HOST_GDTR_BASE", 1n << 63n]]],
  [
    "SDM 26.2.4",
    "VM_EXIT_CONTROLS",
    [
      ["VM_EXIT_CONTROLS", BigInt(model.exit.mustBeOne)],
      ["HOST_SS_SELECTOR", 0x10n],
    ],
  ],
  ["SDM 26.2.4", "HOST_RIP", [["HOST_RIP", 0x800000000000n]]],
];

export const GUEST: readonly (readonly [
  section: string,
  field: FieldName,
  changes: readonly Change[],
  qualification?: number,
])[] = [
  ["SDM 26.3.1.1", "GUEST_CR0", [["GUEST_CR0", 0n]]],
  ["SDM 26.3.1.1", "GUEST_CR4", [["GUEST_CR4", 0n]]],
  ["SDM 26.3.1.1", "GUEST_CR0", [["GUEST_CR4", 0x2000n]]],
  ["SDM 26.3.1.1", "GUEST_CR3", [["GUEST_CR3", 1n << 40n]]],
  ["SDM 26.3.1.1", "GUEST_IA32_DEBUGCTL", [entry(4n), ["GUEST_IA32_DEBUGCTL", 4n]]],
  ["SDM 26.3.1.1", "GUEST_DR7", [entry(4n), ["GUEST_DR7", 1n << 32n]]],
  ["SDM 26.3.1.1", "GUEST_SYSENTER_ESP", [["GUEST_SYSENTER_ESP", 1n << 47n]]],
  ["SDM 26.3.1.1", "GUEST_IA32_PAT", [entry(1n << 14n), ["GUEST_IA32_PAT", 3n]]],
  ["SDM 26.3.1.1", "GUEST_IA32_EFER", [entry(1n << 15n), ["GUEST_IA32_EFER", 0n]]],
  ["SDM 26.3.1.2", "GUEST_TR_SELECTOR", [["GUEST_TR_SELECTOR", 0x34n]]],
  ["SDM 26.3.1.2", "GUEST_SS_SELECTOR", [["GUEST_SS_SELECTOR", 0x13n]]],
  ["SDM 26.3.1.2", "GUEST_FS_BASE", [["GUEST_FS_BASE", 1n << 47n]]],
  ["SDM 26.3.1.2", "GUEST_CS_BASE", [["GUEST_CS_BASE", 1n << 32n]]],
  ["SDM 26.3.1.2", "GUEST_CS_AR_BYTES", [["GUEST_CS_AR_BYTES", 0x10000n]]],
  ["SDM 26.3.1.2", "GUEST_CS_AR_BYTES", [["GUEST_CS_AR_BYTES", 0xe09bn]]],
  ["SDM 26.3.1.2", "GUEST_SS_AR_BYTES", [["GUEST_SS_AR_BYTES", 0xc091n]]],
  ["SDM 26.3.1.2", "GUEST_DS_AR_BYTES", [["GUEST_DS_AR_BYTES", 0xc092n]]],
  ["SDM 26.3.1.2", "GUEST_ES_AR_BYTES", [["GUEST_ES_LIMIT", 0xffff0000n]]],
  ["SDM 26.3.1.2", "GUEST_TR_AR_BYTES", [["GUEST_TR_AR_BYTES", 0x10000n]]],
  ["SDM 26.3.1.2", "GUEST_TR_AR_BYTES", [["GUEST_TR_AR_BYTES", 0x83n]]],
  ["SDM 26.3.1.2", "GUEST_LDTR_AR_BYTES", [["GUEST_LDTR_AR_BYTES", 0x83n]]],
  ["SDM 26.3.1.3", "GUEST_IDTR_LIMIT", [["GUEST_IDTR_LIMIT", 0x10000n]]],
  ["SDM 26.3.1.4", "GUEST_RIP", [["GUEST_RIP", 1n << 48n]]],
  ["SDM 26.3.1.4", "GUEST_RFLAGS", [["GUEST_RFLAGS", 0n]]],
  ["SDM 26.3.1.4", "GUEST_RFLAGS", [["GUEST_RFLAGS", 0x8002n]]],
  ["SDM 26.3.1.4", "GUEST_RFLAGS", [inject(0x20n)]],
  ["SDM 26.3.1.5", "GUEST_ACTIVITY_STATE", [["GUEST_ACTIVITY_STATE", 7n]]],
  ["SDM 26.3.1.5", "GUEST_INTERRUPTIBILITY_INFO", [["GUEST_INTERRUPTIBILITY_INFO", 0x20n]]],
  ["SDM 26.3.1.5", "GUEST_INTERRUPTIBILITY_INFO", [["GUEST_INTERRUPTIBILITY_INFO", 1n]]],
  ["SDM 26.3.1.5", "GUEST_INTERRUPTIBILITY_INFO", [["GUEST_INTERRUPTIBILITY_INFO", 2n], inject(0x202n)], 3],
  ["SDM 26.3.1.5", "GUEST_PENDING_DBG_EXCEPTIONS", [["GUEST_PENDING_DBG_EXCEPTIONS", 0x10n]]],
  ["SDM 26.3.1.5", "VMCS_LINK_POINTER", [["VMCS_LINK_POINTER", 0x123n]], 4],
  ["SDM 26.3.1.5", "VMCS_LINK_POINTER", [["VMCS_LINK_POINTER", 0x5000n]], 4],
];
