/**
 * Basic VMX exit reasons: SDM volume 3, appendix C, under the names that KVM's trace points print (VMX_EXIT_REASONS in
 * arch/x86/include/uapi/asm/vmx.h). Names that changed over the years are kept: captures outlive kernels.
 */
export const EXIT_REASON_NUMBERS: ReadonlyMap<string, number> = new Map([
  ["EXCEPTION_NMI", 0],
  ["EXTERNAL_INTERRUPT", 1],
  ["TRIPLE_FAULT", 2],
  ["INIT_SIGNAL", 3],
  ["SIPI_SIGNAL", 4],
  ["OTHER_SMI", 6],
  ["INTERRUPT_WINDOW", 7],
  ["PENDING_INTERRUPT", 7],
  ["NMI_WINDOW", 8],
  ["TASK_SWITCH", 9],
  ["CPUID", 10],
  ["HLT", 12],
  ["INVD", 13],
  ["INVLPG", 14],
  ["RDPMC", 15],
  ["RDTSC", 16],
  ["VMCALL", 18],
  ["VMCLEAR", 19],
  ["VMLAUNCH", 20],
  ["VMPTRLD", 21],
  ["VMPTRST", 22],
  ["VMREAD", 23],
  ["VMRESUME", 24],
  ["VMWRITE", 25],
  ["VMOFF", 26],
  ["VMXOFF", 26],
  ["VMON", 27],
  ["VMXON", 27],
  ["CR_ACCESS", 28],
  ["DR_ACCESS", 29],
  ["IO_INSTRUCTION", 30],
  ["MSR_READ", 31],
  ["MSR_WRITE", 32],
  ["INVALID_STATE", 33],
  ["MSR_LOAD_FAIL", 34],
  ["MWAIT_INSTRUCTION", 36],
  ["MONITOR_TRAP_FLAG", 37],
  ["MONITOR_INSTRUCTION", 39],
  ["PAUSE_INSTRUCTION", 40],
  ["MCE_DURING_VMENTRY", 41],
  ["TPR_BELOW_THRESHOLD", 43],
  ["APIC_ACCESS", 44],
  ["EOI_INDUCED", 45],
  ["GDTR_IDTR", 46],
  ["LDTR_TR", 47],
  ["EPT_VIOLATION", 48],
  ["EPT_MISCONFIG", 49],
  ["INVEPT", 50],
  ["RDTSCP", 51],
  ["PREEMPTION_TIMER", 52],
  ["INVVPID", 53],
  ["WBINVD", 54],
  ["XSETBV", 55],
  ["APIC_WRITE", 56],
  ["RDRAND", 57],
  ["INVPCID", 58],
  ["VMFUNC", 59],
  ["ENCLS", 60],
  ["RDSEED", 61],
  ["PML_FULL", 62],
  ["XSAVES", 63],
  ["XRSTORS", 64],
  ["UMWAIT", 67],
  ["TPAUSE", 68],
  ["BUS_LOCK", 74],
  ["NOTIFY", 75],
  ["TDCALL", 77],
]);

/** VM-entry failures (guest state, MSR loading, machine check): reported like exits, but no guest has run. */
const ENTRY_FAILURE_REASONS: ReadonlySet<number> = new Set([33, 34, 41]);

/** Is it a reason for which a running guest can leave? */
export function isGuestExitReason(reason: number | undefined): reason is number {
  return reason !== undefined && !ENTRY_FAILURE_REASONS.has(reason);
}

/** Is it the name of a reason for which a running guest can leave? */
export function isGuestExitReasonName(name: string): boolean {
  return isGuestExitReason(EXIT_REASON_NUMBERS.get(name));
}

/**
 * The number of a reason as a trace prints it: a name, a number when the kernel knew no name (`0x4c`, `76`), either possibly followed
 * by flags (`INVALID_STATE FAILED_VMENTRY`, which the caller has split off). Undefined: neither.
 */
export function exitReasonNumber(text: string): number | undefined {
  const known = EXIT_REASON_NUMBERS.get(text);
  if (known !== undefined) return known;
  if (!/^(0x[0-9a-f]{1,8}|\d{1,10})$/i.test(text)) return undefined;
  return Number(text) & 0xffff;
}
