/**
 * What a processor is told to do. One mutable block serves for any number of instructions, so that executing one
 * allocates nothing.
 */

/**
 * Operations. `vmexit` is the guest leaving for a reason of its own; `interrupt`, `init` and `sipi` arrive from outside; the CR
 * and MSR ones are here because VMX operation restricts them.
 */
export const Op = {
  vmxon: 0,
  vmxoff: 1,
  vmclear: 2,
  vmptrld: 3,
  vmptrst: 4,
  vmread: 5,
  vmwrite: 6,
  vmlaunch: 7,
  vmresume: 8,
  vmcall: 9,
  vmfunc: 10,
  invept: 11,
  invvpid: 12,
  vmexit: 13,
  interrupt: 14,
  init: 15,
  reset: 16,
  cr0Set: 17,
  cr0Clear: 18,
  cr4Set: 19,
  cr4Clear: 20,
  rdmsr: 21,
  wrmsr: 22,
  nop: 23,
  sipi: 24,
} as const;

export type OpName = keyof typeof Op;
export type OpCode = (typeof Op)[OpName];

/** Where the instruction is executed from. */
export const Mode = { kernel64: 0, user64: 1, compatibility: 2 } as const;
export type ModeCode = (typeof Mode)[keyof typeof Mode];

/** All numbers are unsigned 32-bit halves unless said otherwise. */
export class Instruction {
  op: OpCode = Op.nop;
  mode: ModeCode = Mode.kernel64;
  /** Right after MOV SS or POP SS: events are blocked (SDM 6.8.3). */
  movSs = false;
  /** Register operand, bits 31:0: VMCS field encoding, INVEPT or INVVPID type, MSR number. */
  field = 0;
  /** Register operand, bits 63:32. */
  fieldHigh = 0;
  /**
   * Value operand: what a memory operand holds (an address), what VMWRITE writes, EAX of VMFUNC, a mask of
   * control-register bits, an MSR's value.
   */
  low = 0;
  high = 0;
  /** INVEPT and INVVPID descriptor, bits 63:0. */
  descriptor0Low = 0;
  descriptor0High = 0;
  /** INVEPT and INVVPID descriptor, bits 127:64. */
  descriptor1Low = 0;
  descriptor1High = 0;
  /** Basic exit reason of `vmexit` (SDM appendix C). */
  reason = 0;
  /** Exit qualification of `vmexit`, and of a VMX instruction that exits from non-root operation. */
  qualificationLow = 0;
  qualificationHigh = 0;
  /** VM-exit instruction length, bytes. */
  length = 0;
  /** VM-exit instruction information (SDM 27.2.5). */
  information = 0;
}
