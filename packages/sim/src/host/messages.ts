import type { Batch, BatchInstruction, Completion, CpuReport } from "@vmcslab/nested";

/** Number of a node: a CPU's own, or L0's. */
export type NodeId = number;
export const L0: NodeId = -1;

export function nodeName(node: NodeId): string {
  return node === L0 ? "l0" : `cpu${node}`;
}

/** What travels between L0 and a CPU. */
export type Message =
  | {
      readonly kind: "batch";
      readonly session: number;
      readonly batch: Batch;
      readonly acknowledged: number;
      /** A fault takes its completion. */
      readonly losesReply?: boolean;
    }
  | {
      readonly kind: "completion";
      readonly session: number;
      readonly batch: Batch;
      readonly completion: Completion;
      readonly isLost?: boolean;
    }
  /** A CPU says that it is there, and asks for a lease. `held`: what it holds, for the session of L0 that took it over with it. */
  | {
      readonly kind: "beat";
      readonly incarnation: number;
      readonly beat: number;
      readonly held?: { readonly session: number; readonly report: CpuReport };
    }
  /** L0's answer. `over`: it has given this life up. */
  | {
      readonly kind: "grant";
      readonly incarnation: number;
      readonly beat: number;
      readonly session: number;
      readonly durationNs: number;
      readonly over: boolean;
      /** This session goes on with what the CPU holds, and wants to know what that is. */
      readonly takesOver?: boolean;
    };

/** What faults match a message by: its kind, and for batches and completions every kind of instruction in them. */
export function methodsOf(message: Message): readonly string[] {
  if (message.kind !== "batch" && message.kind !== "completion") return [message.kind];
  const methods = new Set<string>([message.kind]);
  for (const { kind } of message.batch.instructions) methods.add(kind);
  return [...methods];
}

/** A VMCLEAR that writes back: the first one of a fresh region does not. */
export function flushes(instructions: readonly BatchInstruction[]): boolean {
  return instructions.some((step) => step.kind === "vmclear" && step.epoch !== 0);
}
