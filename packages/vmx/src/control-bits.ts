/**
 * Bits of the control fields and of a few more: SDM 24.6 to 24.8 and appendix A. Only those that something here looks
 * at.
 */

export const PinControl = {
  externalInterruptExiting: 1 << 0,
  nmiExiting: 1 << 3,
  virtualNmis: 1 << 5,
  preemptionTimer: 1 << 6,
  processPostedInterrupts: 1 << 7,
} as const;

export const PrimaryControl = {
  interruptWindowExiting: 1 << 2,
  hltExiting: 1 << 7,
  useTprShadow: 1 << 21,
  nmiWindowExiting: 1 << 22,
  useIoBitmaps: 1 << 25,
  monitorTrapFlag: 1 << 27,
  useMsrBitmaps: 1 << 28,
  activateSecondary: 0x80000000,
} as const;

export const SecondaryControl = {
  virtualizeApicAccesses: 1 << 0,
  enableEpt: 1 << 1,
  virtualizeX2apicMode: 1 << 4,
  enableVpid: 1 << 5,
  unrestrictedGuest: 1 << 7,
  apicRegisterVirtualization: 1 << 8,
  virtualInterruptDelivery: 1 << 9,
  enableVmFunctions: 1 << 13,
  vmcsShadowing: 1 << 14,
  enablePml: 1 << 17,
  eptViolationVe: 1 << 18,
  modeBasedExecute: 1 << 22,
  subPageWritePermissions: 1 << 23,
  useTscScaling: 1 << 25,
} as const;

export const ExitControl = {
  saveDebugControls: 1 << 2,
  hostAddressSpaceSize: 1 << 9,
  loadPerfGlobalCtrl: 1 << 12,
  acknowledgeInterrupt: 1 << 15,
  savePat: 1 << 18,
  loadPat: 1 << 19,
  saveEfer: 1 << 20,
  loadEfer: 1 << 21,
  savePreemptionTimer: 1 << 22,
  loadCet: 1 << 28,
} as const;

export const EntryControl = {
  loadDebugControls: 1 << 2,
  ia32eModeGuest: 1 << 9,
  entryToSmm: 1 << 10,
  deactivateDualMonitor: 1 << 11,
  loadPerfGlobalCtrl: 1 << 13,
  loadPat: 1 << 14,
  loadEfer: 1 << 15,
  loadBndcfgs: 1 << 16,
  loadCet: 1 << 20,
} as const;

/** VM-entry and VM-exit interruption information: valid bit and the types in bits 10:8 (SDM 24.8.3). */
export const INTERRUPTION_VALID = 0x80000000;
export const EventType = {
  externalInterrupt: 0,
  nmi: 2,
  hardwareException: 3,
  softwareInterrupt: 4,
  privilegedSoftwareException: 5,
  softwareException: 6,
  other: 7,
} as const;

/** Activity states of a guest (SDM 24.4.2). */
export const ActivityState = { active: 0, hlt: 1, shutdown: 2, waitForSipi: 3 } as const;

/** IA32_EFER. */
export const Efer = { sce: 1, lme: 1 << 8, lma: 1 << 10, nxe: 1 << 11 } as const;
