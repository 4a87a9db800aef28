/** Encodings that workloads write and read (SDM appendix B). */
export const GUEST_RSP = 0x681c;
export const GUEST_RIP = 0x681e;
export const GUEST_RFLAGS = 0x6820;
export const EXIT_REASON = 0x4402;
export const PIN_BASED_CONTROLS = 0x4000;
export const PROCESSOR_BASED_CONTROLS = 0x4002;
export const EXCEPTION_BITMAP = 0x4004;
export const ENTRY_INTERRUPTION_INFORMATION = 0x4016;
export const CR0_GUEST_HOST_MASK = 0x6000;
