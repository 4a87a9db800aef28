import { FIELDS, fieldIndex, isHighAccess } from "@vmcslab/vmx";
import type { L1Instruction, L1Outcome } from "../api.js";
import type { Steps } from "../effect.js";
import type { Task } from "../host/task.js";
import { NO_POINTER } from "../host/vcpu.js";
import { freeAllVmcs02, freeVmcs02, reserveVmcs02 } from "../pool/pool.js";
import {
  cacheVmcs12,
  checkPermission,
  FAIL_INVALID,
  GENERAL_PROTECTION,
  isBacked,
  isRegionAddress,
  releaseVmcs12,
  SUCCEED,
  VMCS12_REVISION,
  vmFail,
} from "./vmcs12.js";

type Only<Name extends L1Instruction["op"]> = Extract<L1Instruction, { op: Name }>;

/*
 * KVM's handlers of L1's instructions, check by check in KVM's order (arch/x86/kvm/vmx/nested.c, about 6.16). L1 is always in 64-bit mode with CR4.VMXE set and
 * IA32_FEATURE_CONTROL locked with VMX enabled, so the checks on those cannot fail.
 */

/** handle_vmxon. The operand is examined last: reading it before "already on" was CVE-2017-2596. */
export function vmxon(task: Task, { addr, user }: Only<"vmxon" | "vmclear" | "vmptrld">): L1Outcome {
  const { vcpu } = task;
  if (user === true) return GENERAL_PROTECTION;
  if (vcpu.vmxon) return vmFail(vcpu, 15);
  if (!isRegionAddress(addr, task.host.config.model.physicalAddressWidth)) return FAIL_INVALID;
  if (!isBacked(vcpu, addr) || vcpu.vm.memory.read32(Number(addr)) !== VMCS12_REVISION) return FAIL_INVALID;
  if (task.host.design.vmcs02 === "single") reserveVmcs02(task);
  vcpu.vmxon = true;
  vcpu.vmxonPointer = Number(addr);
  vcpu.currentVmptr = NO_POINTER;
  return SUCCEED;
}

/** handle_vmxoff: frees the whole pool. The current vmcs12 is not flushed (kernel commit 8ca44e88c32f). */
export function* vmxoff(task: Task, user: boolean): Steps<L1Outcome> {
  const refused = checkPermission(task.vcpu, user);
  if (refused !== undefined) return refused;
  yield* freeNested(task);
  return SUCCEED;
}

/** free_nested, the part for a vcpu that is not in L2. */
export function* freeNested(task: Task): Steps<void> {
  const { vcpu } = task;
  if (!vcpu.vmxon) return;
  yield* freeAllVmcs02(task);
  vcpu.vmxon = false;
  vcpu.vmxonPointer = NO_POINTER;
  vcpu.currentVmptr = NO_POINTER;
}

/** handle_vmclear. The revision is not looked at; a write that falls outside memory is ignored. A single vmcs02 is no vmcs12's own, so it stays. */
export function* vmclear(task: Task, { addr, user }: Only<"vmxon" | "vmclear" | "vmptrld">): Steps<L1Outcome> {
  const { vcpu, host } = task;
  const refused = checkPermission(vcpu, user === true);
  if (refused !== undefined) return refused;
  if (!isRegionAddress(addr, host.config.model.physicalAddressWidth)) return vmFail(vcpu, 2);
  const address = Number(addr);
  if (address === vcpu.vmxonPointer) return vmFail(vcpu, 3);
  if (address === vcpu.currentVmptr) releaseVmcs12(vcpu);
  vcpu.vm.memory.writeLaunched(address, false);
  if (host.design.vmcs02 === "pool") yield* freeVmcs02(task, address);
  return SUCCEED;
}

/** handle_vmptrld. The same address again reads nothing: VMWRITEs to the current vmcs12 survive. */
export function vmptrld(task: Task, { addr, user }: Only<"vmxon" | "vmclear" | "vmptrld">): L1Outcome {
  const { vcpu, host } = task;
  const refused = checkPermission(vcpu, user === true);
  if (refused !== undefined) return refused;
  if (!isRegionAddress(addr, host.config.model.physicalAddressWidth)) return vmFail(vcpu, 9);
  const address = Number(addr);
  if (address === vcpu.vmxonPointer) return vmFail(vcpu, 10);
  if (address === vcpu.currentVmptr) return SUCCEED;
  // Bit 31, the shadow indicator, is part of the dword: without VMCS shadowing for L1 it is a wrong revision too.
  if (!isBacked(vcpu, addr) || vcpu.vm.memory.read32(address) !== VMCS12_REVISION) return vmFail(vcpu, 11);
  releaseVmcs12(vcpu);
  cacheVmcs12(vcpu, address);
  return SUCCEED;
}

/** handle_vmptrst: all ones when no vmcs12 is current. */
export function vmptrst({ vcpu }: Task, user: boolean): L1Outcome {
  return checkPermission(vcpu, user) ?? { status: "succeed", value: BigInt.asUintN(64, BigInt(vcpu.currentVmptr)) };
}

/** handle_vmread. */
export function vmread({ vcpu }: Task, { field, user }: Only<"vmread">): L1Outcome {
  const refused = checkPermission(vcpu, user === true);
  if (refused !== undefined) return refused;
  if (vcpu.currentVmptr === NO_POINTER) return FAIL_INVALID;
  const index = vmcs12FieldIndex(field);
  if (index < 0) return vmFail(vcpu, 12);
  const { low, high } = vcpu.vmcs12.fields;
  const upper = high[index] ?? 0;
  const value = isHighAccess(Number(field)) ? BigInt(upper) : (BigInt(upper) << 32n) | BigInt(low[index] ?? 0);
  return { status: "succeed", value };
}

const MISC_VMWRITE_ANY_FIELD = 1 << 29;
const ACCESS_RIGHTS_BITS = 0x1f0ffn;

/** handle_vmwrite. */
export function vmwrite({ vcpu, host }: Task, { field, value, user }: Only<"vmwrite">): L1Outcome {
  const refused = checkPermission(vcpu, user === true);
  if (refused !== undefined) return refused;
  if (vcpu.currentVmptr === NO_POINTER) return FAIL_INVALID;
  const info = FIELDS[vmcs12FieldIndex(field)];
  if (info === undefined) return vmFail(vcpu, 12);
  const writeAny = (host.config.model.misc & MISC_VMWRITE_ANY_FIELD) !== 0;
  if (info.readOnly && !writeAny) return vmFail(vcpu, 13);
  const stored = info.name.endsWith("_AR_BYTES") ? value & ACCESS_RIGHTS_BITS : value;
  vcpu.vmcs12.fields.write(Number(field), stored);
  return SUCCEED;
}

/** Dense index of a field that KVM's vmcs12 has; -1 otherwise. An encoding with a bit above 31 is no field. */
function vmcs12FieldIndex(field: bigint): number {
  const index = field >= 0n && field <= 0xffff_ffffn ? fieldIndex(Number(field)) : -1;
  return FIELDS[index]?.vmcs12 === true ? index : -1;
}
