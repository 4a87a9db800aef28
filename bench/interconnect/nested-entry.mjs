/** L1's instructions that enter L2, and L2's exit. */
import { vmcs12Instructions } from "../../packages/lab/dist/index.js";
import { VMCS12_REVISION } from "../../packages/nested/dist/index.js";

const VMXON = 0x1000n;
const VMCS12 = 0x2000n;
const VMCALL = 18;

export const enterL2 = (hypervisor, vcpu) =>
  hypervisor.runL1(vcpu, [
    { op: "write32", addr: VMXON, value: VMCS12_REVISION },
    { op: "vmxon", addr: VMXON },
    ...vmcs12Instructions(VMCS12),
    { op: "vmlaunch" },
  ]);
export const exitL2 = (hypervisor, vcpu) =>
  hypervisor.guestExit({ vcpu, reason: VMCALL, qualification: 0n, guest: [] });
export const resumeL2 = (hypervisor, vcpu) => hypervisor.runL1(vcpu, [{ op: "vmresume" }]);
