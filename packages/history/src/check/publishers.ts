import type { EventKind } from "../event.js";

/** Kinds that a CPU publishes about itself. */
export const CPU_KINDS: ReadonlySet<EventKind> = new Set<EventKind>([
  ...(["vmx.on", "vmx.off", "vmcs.load", "vmcs.clear", "vmcs.write", "vm.entry", "vm.exit", "vm.fail"] as const),
  "lease.expired",
]);

/** Kinds that tell people what was done to the host on purpose. No rule is about them. */
export const FAULT_KINDS: ReadonlySet<EventKind> = new Set<EventKind>(["fault.injected", "fault.healed"]);
