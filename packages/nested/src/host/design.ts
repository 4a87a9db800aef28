/** What of L0 can be built in more than one way, so that the ways can be compared. docs/designs.md says where each comes from. */
export interface Design {
  /**
   * `pool`: a vmcs02 per recently used vmcs12, the design of 2011 (kernel commit ff2f6fe96188). `single`: one vmcs02 per vcpu, allocated at VMXON, as KVM since de3a0021a606.
   */
  readonly vmcs02: "pool" | "single";
  /**
   * What L0 writes into a vmcs02 before it enters. `full`: every field, every time. `incremental`: when the vmcs02 last ran this very vmcs12, only what differs from what it holds.
   */
  readonly preparation: "full" | "incremental";
  /**
   * How several VMCSs are cleared. `oneByOne`: one cross-CPU clear each, waited for before the next, as the patch of 2011 does. `perCpu`: one for all VMCSs of a CPU, one CPU after the other. `atOnce`: one per CPU, to all
   * of them at the same time.
   */
  readonly clearing: "oneByOne" | "perCpu" | "atOnce";
}

export const DEFAULT_DESIGN: Design = { vmcs02: "pool", preparation: "full", clearing: "atOnce" };
