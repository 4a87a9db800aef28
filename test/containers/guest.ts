/** A vcpu whose L2 runs, on any host. */
import { type L0Client, VMCS12_REVISION, vmcs12Instructions } from "vmcslab/testcontainers";

const VMXON = 0x1000n;
const VMCS12 = 0x2000n;

export async function enterL2(l0: L0Client, cpu: number): Promise<number> {
  const created = await l0.createVcpu({ cpu });
  if (!created.ok) throw new Error(created.error.message);
  const entered = await l0.runL1(created.value, [
    { op: "write32", addr: VMXON, value: VMCS12_REVISION },
    { op: "vmxon", addr: VMXON },
    ...vmcs12Instructions(VMCS12),
    { op: "vmlaunch" },
  ]);
  const status = entered.ok ? entered.value.at(-1)?.status : entered.error.message;
  if (status !== "l2") throw new Error(`L2 was not entered: ${status}`);
  return created.value;
}
