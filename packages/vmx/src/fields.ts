/**
 * The VMCS fields, each with a dense index, so that a field's value lives in a typed array. Width, type and read-only
 * follow from the encoding itself (SDM Vol. 3, 24.11.2): bits 14:13 width, 11:10 type, 9:1 index, bit 0 access.
 */
import { FIELD_ALIASES } from "./field-aliases.js";
import { Field, type FieldName } from "./field-encodings.js";

export type FieldWidth = 16 | 32 | 64 | "natural";
export type FieldType = "control" | "exitInfo" | "guest" | "host";

export interface FieldInfo {
  readonly name: FieldName;
  readonly encoding: number;
  /** Position in FIELDS and in every FieldStore. */
  readonly index: number;
  readonly width: FieldWidth;
  readonly type: FieldType;
  /** A VM-exit information field: VMWRITE needs IA32_VMX_MISC[29]. */
  readonly readOnly: boolean;
  /** KVM's vmcs12 has it. */
  readonly vmcs12: boolean;
  /** KVM lets hardware serve it from a shadow VMCS (vmcs_shadow_fields.h). */
  readonly kvmShadow?: "ro" | "rw";
}

const WIDTHS: readonly FieldWidth[] = [16, 64, 32, "natural"];
const TYPES: readonly FieldType[] = ["control", "exitInfo", "guest", "host"];

const NOT_IN_VMCS12: ReadonlySet<FieldName> = new Set<FieldName>([
  "EPTP_INDEX",
  "EXECUTIVE_VMCS_POINTER",
  "VE_INFORMATION_ADDRESS",
  "SPP_TABLE_POINTER",
  "GUEST_IA32_RTIT_CTL",
  "PLE_GAP",
  "PLE_WINDOW",
  "GUEST_SMBASE",
  "CR3_TARGET_VALUE0",
  "CR3_TARGET_VALUE1",
  "CR3_TARGET_VALUE2",
  "CR3_TARGET_VALUE3",
  "IO_RCX",
  "IO_RSI",
  "IO_RDI",
  "IO_RIP",
]);

const KVM_SHADOW_READ_ONLY: ReadonlySet<FieldName> = new Set<FieldName>([
  "GUEST_PHYSICAL_ADDRESS",
  "VM_EXIT_REASON",
  "VM_EXIT_INTR_INFO",
  "VM_EXIT_INTR_ERROR_CODE",
  "IDT_VECTORING_INFO_FIELD",
  "IDT_VECTORING_ERROR_CODE",
  "VM_EXIT_INSTRUCTION_LEN",
  "GUEST_CS_AR_BYTES",
  "GUEST_SS_AR_BYTES",
  "EXIT_QUALIFICATION",
  "GUEST_LINEAR_ADDRESS",
]);

const KVM_SHADOW_READ_WRITE: ReadonlySet<FieldName> = new Set<FieldName>([
  "GUEST_INTR_STATUS",
  "GUEST_PML_INDEX",
  "HOST_FS_SELECTOR",
  "HOST_GS_SELECTOR",
  "PIN_BASED_VM_EXEC_CONTROL",
  "CPU_BASED_VM_EXEC_CONTROL",
  "EXCEPTION_BITMAP",
  "VM_ENTRY_INTR_INFO_FIELD",
  "VM_ENTRY_EXCEPTION_ERROR_CODE",
  "VM_ENTRY_INSTRUCTION_LEN",
  "TPR_THRESHOLD",
  "GUEST_INTERRUPTIBILITY_INFO",
  "VMX_PREEMPTION_TIMER_VALUE",
  "CR0_GUEST_HOST_MASK",
  "CR0_READ_SHADOW",
  "CR4_READ_SHADOW",
  "GUEST_CR0",
  "GUEST_CR3",
  "GUEST_CR4",
  "GUEST_RSP",
  "GUEST_RIP",
  "GUEST_RFLAGS",
  "HOST_FS_BASE",
  "HOST_GS_BASE",
]);

function kvmShadowOf(name: FieldName): { kvmShadow: "ro" | "rw" } | undefined {
  if (KVM_SHADOW_READ_ONLY.has(name)) return { kvmShadow: "ro" };
  return KVM_SHADOW_READ_WRITE.has(name) ? { kvmShadow: "rw" } : undefined;
}

function isFieldName(name: string): name is FieldName {
  return Object.hasOwn(Field, name);
}

/** All fields in the order of their encodings. */
export const FIELDS: readonly FieldInfo[] = Object.entries(Field)
  .sort(([, a], [, b]) => a - b)
  .map(([name, encoding], index) => {
    if (!isFieldName(name)) throw new TypeError(name);
    const type = TYPES[(encoding >> 10) & 3] ?? "control";
    return {
      name,
      encoding,
      index,
      width: WIDTHS[(encoding >> 13) & 3] ?? "natural",
      type,
      readOnly: type === "exitInfo",
      vmcs12: !NOT_IN_VMCS12.has(name),
      ...kvmShadowOf(name),
    };
  });

export const FIELD_COUNT: number = FIELDS.length;

/** Encodings have bits 31:15 clear (SDM 24.11.2). */
const ENCODING_LIMIT = 0x8000;

const INDEX_OF = new Int16Array(ENCODING_LIMIT).fill(-1);
for (const field of FIELDS) {
  INDEX_OF[field.encoding] = field.index;
  if (field.width === 64) INDEX_OF[field.encoding + 1] = field.index;
}

/**
 * Dense index of the field that `encoding` names, with full or high access; -1 when there is none. Any number is
 * accepted.
 */
export function fieldIndex(encoding: number): number {
  return encoding >= 0 && encoding < ENCODING_LIMIT ? (INDEX_OF[encoding] ?? -1) : -1;
}

/** Bit 0 of an encoding: access to bits 63:32 of a 64-bit field. */
export function isHighAccess(encoding: number): boolean {
  return (encoding & 1) === 1;
}

/** By the name that Linux uses, or one of FIELD_ALIASES. */
export function fieldByName(name: string): FieldInfo | undefined {
  if (isFieldName(name)) return FIELDS[fieldIndex(Field[name])];
  return Object.hasOwn(FIELD_ALIASES, name) ? FIELDS[fieldIndex(FIELD_ALIASES[name] ?? -1)] : undefined;
}
