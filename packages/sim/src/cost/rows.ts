/** What is charged for, one row each, in the order in which they are shown. */
export const COST_ROWS = [
  "vmread",
  "vmwrite",
  "vmwriteControl",
  "controlRecheck",
  "vmptrldActive",
  "vmptrldLoad",
  "vmclearClean",
  "vmclearDirty",
  "vmxon",
  "vmxoff",
  "entry",
  "launchExtra",
  "exit",
  "ipiSend",
  "ipiAck",
] as const;

export type CostRow = (typeof COST_ROWS)[number];

export const COST_ROW_TEXTS: Readonly<Record<CostRow, string>> = {
  vmread: "a VMREAD",
  vmwrite: "a VMWRITE of any field but the five control words",
  vmwriteControl: "a VMWRITE of a control word: pin-based, primary, secondary, exit or entry controls",
  controlRecheck: "extra at the first entry of a VMCS after one of its control words was written",
  vmptrldActive: "a VMPTRLD of a VMCS that is active on this CPU",
  vmptrldLoad: "a VMPTRLD of a VMCS that is active nowhere and comes from memory",
  vmclearClean: "a VMCLEAR that has no field to write back",
  vmclearDirty: "a VMCLEAR that writes fields back",
  vmxon: "a VMXON",
  vmxoff: "a VMXOFF",
  entry: "a VM entry by VMRESUME with nothing to recheck",
  launchExtra: "extra at an entry by VMLAUNCH",
  exit: "a VM exit, for whatever reason",
  ipiSend: "a cross-CPU call, until its handler runs on an idle target",
  ipiAck: "the answer to a cross-CPU call, until the caller goes on",
};

/** A value for each row. */
export function byRow<T>(valueFor: (row: CostRow) => T): Record<CostRow, T> {
  return {
    vmread: valueFor("vmread"),
    vmwrite: valueFor("vmwrite"),
    vmwriteControl: valueFor("vmwriteControl"),
    controlRecheck: valueFor("controlRecheck"),
    vmptrldActive: valueFor("vmptrldActive"),
    vmptrldLoad: valueFor("vmptrldLoad"),
    vmclearClean: valueFor("vmclearClean"),
    vmclearDirty: valueFor("vmclearDirty"),
    vmxon: valueFor("vmxon"),
    vmxoff: valueFor("vmxoff"),
    entry: valueFor("entry"),
    launchExtra: valueFor("launchExtra"),
    exit: valueFor("exit"),
    ipiSend: valueFor("ipiSend"),
    ipiAck: valueFor("ipiAck"),
  };
}
