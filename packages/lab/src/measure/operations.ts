/** Names of the operations that a run measures, as they stand in the result. */

export const OPERATION_NAMES = [
  /** CreateVcpu, DestroyVcpu, PlaceVcpu. */
  "create",
  "destroy",
  "place",
  /** RunL1 with one instruction. */
  "vmxon",
  "vmxoff",
  "vmclear",
  "vmptrld",
  "vmptrst",
  "vmread",
  "vmwrite",
  "vmlaunch",
  "vmresume",
  /** RunL1 with the whole run of instructions by which L1 builds a vmcs12. */
  "setup",
  /** RunL1 with the VMREADs by which L1 looks at what L2 left behind. */
  "inspect",
  /** GuestExit of L1, of L2 that L0 handled, of L2 that was reflected to L1. */
  "exitL1",
  "exitL2",
  "exitL2ToL1",
] as const;

export type OperationName = (typeof OPERATION_NAMES)[number];
