import { Field, type FieldStore, type Memory } from "@vmcslab/vmx";

type Wants = (vmcs12: FieldStore, qualification: bigint, l1Memory: Memory) => boolean;

const primary =
  (bit: number): Wants =>
  (vmcs12) =>
    hasBit(vmcs12, Field.CPU_BASED_VM_EXEC_CONTROL, bit);
const secondary =
  (bit: number): Wants =>
  (vmcs12) =>
    hasBit(vmcs12, Field.CPU_BASED_VM_EXEC_CONTROL, 31) && hasBit(vmcs12, Field.SECONDARY_VM_EXEC_CONTROL, bit);
const never: Wants = () => false;
const always: Wants = () => true;

/**
 * Which exits of L2 L1 sees: KVM's nested_vmx_l0_wants_exit and nested_vmx_l1_wants_exit. A reason that is not listed goes to L1, as in KVM. Not modelled,
 * because an exit does not say it here: the vector of an exception (L1 sees it when its exception bitmap is not empty), the MSR
 * of RDMSR and WRMSR (L1 sees them all), and the value written to CR0 or CR4 (L1 sees them when its mask is not empty).
 */
const POLICY: Readonly<Record<number, Wants>> = {
  0: (vmcs12) => vmcs12.read(Field.EXCEPTION_BITMAP) !== 0n,
  1: never,
  7: primary(2),
  8: primary(22),
  12: primary(7),
  14: primary(9),
  15: primary(11),
  16: primary(12),
  28: wantsControlRegister,
  29: primary(23),
  30: wantsIo,
  36: primary(10),
  37: primary(27),
  39: primary(29),
  40: (...given) => primary(30)(...given) || secondary(10)(...given),
  41: never,
  43: primary(21),
  46: secondary(2),
  47: secondary(2),
  48: never,
  49: never,
  51: primary(12),
  52: never,
  54: secondary(6),
  57: secondary(11),
  58: (...given) => secondary(12)(...given) && primary(9)(...given),
  59: never,
  61: secondary(16),
  62: never,
};

/** Whether an interrupt that L0 has for L1 makes L2 exit to L1 (nested_exit_on_intr). Without that control it would be delivered to L2, which is not modelled. */
export function l1WantsInterrupt(vmcs12: FieldStore): boolean {
  return hasBit(vmcs12, Field.PIN_BASED_VM_EXEC_CONTROL, 0);
}

export function l1WantsExit(reason: number, qualification: bigint, vmcs12: FieldStore, l1Memory: Memory): boolean {
  return (POLICY[reason] ?? always)(vmcs12, qualification, l1Memory);
}

/** SDM table 27-3: register in bits 3:0, access type in bits 5:4 (0 to CR, 1 from CR, 2 CLTS, 3 LMSW). */
function wantsControlRegister(vmcs12: FieldStore, qualification: bigint): boolean {
  const register = Number(qualification & 0xfn);
  const access = Number((qualification >> 4n) & 3n);
  if (register === 3) return hasBit(vmcs12, Field.CPU_BASED_VM_EXEC_CONTROL, access === 1 ? 16 : 15);
  if (register === 8) return hasBit(vmcs12, Field.CPU_BASED_VM_EXEC_CONTROL, access === 1 ? 20 : 19);
  return vmcs12.read(register === 4 ? Field.CR4_GUEST_HOST_MASK : Field.CR0_GUEST_HOST_MASK) !== 0n;
}

/** SDM 25.1.3: bitmaps if in use, otherwise unconditional exiting. Port in bits 31:16 of the qualification, size - 1 in bits 2:0. */
function wantsIo(vmcs12: FieldStore, qualification: bigint, l1Memory: Memory): boolean {
  if (!hasBit(vmcs12, Field.CPU_BASED_VM_EXEC_CONTROL, 25)) return hasBit(vmcs12, Field.CPU_BASED_VM_EXEC_CONTROL, 24);
  const first = Number((qualification >> 16n) & 0xffffn);
  const bytes = Number(qualification & 7n) + 1;
  for (let port = first; port < first + bytes; port++) {
    // An access that wraps around the 64-KiB port space always exits.
    if (port > 0xffff) return true;
    const bitmap = vmcs12.read(port < 0x8000 ? Field.IO_BITMAP_A : Field.IO_BITMAP_B);
    const bit = port & 0x7fff;
    const dword = l1Memory.read32(Number(bitmap) + (bit >>> 5) * 4);
    if ((dword >>> (bit & 31)) & 1) return true;
  }
  return false;
}

function hasBit(fields: FieldStore, encoding: number, bit: number): boolean {
  return ((fields.read(encoding) >> BigInt(bit)) & 1n) === 1n;
}
