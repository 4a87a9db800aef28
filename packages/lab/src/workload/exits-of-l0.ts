/** Exits that L0 handles itself and L1 never sees (KVM's nested_vmx_l1_wants_exit), by their numbers in SDM appendix C. */
export const EXIT_REASONS_OF_L0 = { eptMisconfig: 49 } as const;
