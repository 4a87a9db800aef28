import { Field } from "@vmcslab/vmx";
import type { L1Outcome } from "../api.js";
import { NO_POINTER, type Vcpu } from "../host/vcpu.js";

/** KVM's software format of a vmcs12, as L1 reads it from IA32_VMX_BASIC (arch/x86/kvm/vmx/vmcs12.h). */
export const VMCS12_REVISION = 0x11e5_7ed0;

const VMCS_BYTES = 4096n;

export const SUCCEED: L1Outcome = { status: "succeed" };
export const FAIL_INVALID: L1Outcome = { status: "failInvalid" };
export const UNDEFINED_OPCODE: L1Outcome = { status: "exception", vector: 6 };
export const GENERAL_PROTECTION: L1Outcome = { status: "exception", vector: 13 };

/** VMfail(n): the number goes into the current vmcs12; without one there is no number (nested_vmx_fail). */
export function vmFail(vcpu: Vcpu, error: number): L1Outcome {
  if (vcpu.currentVmptr === NO_POINTER) return FAIL_INVALID;
  vcpu.vmcs12.fields.write(Field.VM_INSTRUCTION_ERROR, BigInt(error));
  return { status: "failValid", error };
}

/** Post-VMXON and CPL 0: what every handler but VMXON's asks first (nested_vmx_check_permission; CVE-2018-12904 for the second). */
export function checkPermission(vcpu: Vcpu, user: boolean): L1Outcome | undefined {
  if (!vcpu.vmxon) return UNDEFINED_OPCODE;
  return user ? GENERAL_PROTECTION : undefined;
}

/** Aligned to 4 KiB and within the physical-address width (page_address_valid). */
export function isRegionAddress(address: bigint, physicalAddressWidth: number): boolean {
  return address >= 0n && address % VMCS_BYTES === 0n && address >> BigInt(physicalAddressWidth) === 0n;
}

/** There is memory behind the whole page. */
export function isBacked(vcpu: Vcpu, address: bigint): boolean {
  return address + VMCS_BYTES <= BigInt(vcpu.vm.memoryBytes);
}

/** nested_release_vmcs12: what L1 wrote reaches its memory, and no vmcs12 is current. */
export function releaseVmcs12(vcpu: Vcpu): void {
  if (vcpu.currentVmptr === NO_POINTER) return;
  const { memory } = vcpu.vm;
  memory.write32(vcpu.currentVmptr, VMCS12_REVISION);
  memory.writeImage(vcpu.currentVmptr, vcpu.vmcs12.fields);
  memory.writeLaunched(vcpu.currentVmptr, vcpu.vmcs12.launched);
  vcpu.currentVmptr = NO_POINTER;
}

/** Reads a vmcs12 from L1's memory and makes it current. */
export function cacheVmcs12(vcpu: Vcpu, address: number): void {
  const { memory } = vcpu.vm;
  memory.readImage(address, vcpu.vmcs12.fields);
  vcpu.vmcs12.launched = memory.readLaunched(address);
  vcpu.currentVmptr = address;
}
