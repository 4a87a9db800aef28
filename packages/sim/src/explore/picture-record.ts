import type { HistoryEvent } from "@vmcslab/history";
import { isExpected, type OperationError } from "@vmcslab/nested";
import { L0, type Message, type NodeId } from "../host/messages.js";
import type { MessageRecord } from "../host/network.js";
import type { SimHost } from "../host/sim-host.js";
import { renderRequest, renderStep } from "../notation.js";
import type { Plan, PlannedOperation } from "./plan.js";
import { type PlanOutcome, type RunPlanOptions, runPlan, SAFETY_NS } from "./run-plan.js";

type Batched = Extract<Message, { kind: "batch" }>;
type Completed = Extract<Message, { kind: "completion" }>;

/** What happened, in the order in which it did: `at` counts. */
export type Happening = { readonly at: number; readonly ns: number } & (
  | { readonly kind: "sent"; readonly record: MessageRecord; readonly text: string; readonly operation: string }
  | { readonly kind: "event"; readonly event: HistoryEvent; readonly vmcs: string | undefined }
  | {
      readonly kind: "asked" | "skipped" | "ended";
      readonly number: number;
      readonly operation: PlannedOperation;
      readonly error: OperationError | undefined;
    }
  | { readonly kind: "died"; readonly node: NodeId }
);

export interface Recording {
  readonly plan: Plan;
  readonly outcome: PlanOutcome;
  readonly happenings: readonly Happening[];
}

/** Runs a plan and keeps all that can be drawn. */
export function recordRun(plan: Plan, options: Pick<RunPlanOptions, "model" | "saboteur">): Recording {
  const recorder = new Recorder(plan);
  const outcome = runPlan(plan, {
    ...options,
    onHost: (host) => recorder.begin(host),
    onEvent: (event) => recorder.event(event),
    onMessage: (record) => recorder.message(record),
    onOperation: (kind, operation, error) => recorder.operation(kind, operation, error),
  });
  recorder.lookForTheDead();
  return { plan, outcome, happenings: recorder.happenings };
}

/** What L0 does by itself with every CPU that comes up. */
export const REGISTRATION = "registerCpu";

class Recorder {
  readonly happenings: Happening[] = [];
  readonly #plan: Plan;
  /** By address: an identity for as long as it is allocated. */
  readonly #names = new Map<number, string>();
  /** What L0's operations are for: `#3`, the plan's number, or a name. */
  readonly #operations = new Map<number, string>();
  readonly #alive = new Set<NodeId>();
  #asking: string | undefined;
  #host: SimHost | undefined;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  begin(host: SimHost): void {
    this.#host = host;
  }

  event(event: HistoryEvent): void {
    this.lookForTheDead();
    const { kind, region, vmcs, operation } = event;
    if (kind === "vmcs.allocated" && region !== undefined) this.#names.set(region, `vmcs${vmcs}`);
    if (kind === "op.begin" && event.source === "l0") {
      this.#operations.set(operation, this.#asking ?? this.#nameOf(event));
      this.#asking = undefined;
    }
    const name = vmcs === undefined ? this.#nameKnown(region) : `vmcs${vmcs}`;
    this.happenings.push({ at: this.happenings.length, ns: event.monoNs, kind: "event", event, vmcs: name });
  }

  message(record: MessageRecord): void {
    this.lookForTheDead();
    const { message } = record;
    const text =
      message.kind === "batch" ? this.#request(message) : message.kind === "completion" ? this.#executed(message) : "";
    const isOfOperation = message.kind === "batch" || message.kind === "completion";
    const operation = isOfOperation ? (this.#operations.get(message.batch.operation) ?? "") : "";
    this.happenings.push({ at: this.happenings.length, ns: record.sentNs, kind: "sent", record, text, operation });
  }

  operation(
    kind: "asked" | "skipped" | "ended",
    operation: PlannedOperation,
    error: OperationError | undefined,
  ): undefined {
    this.lookForTheDead();
    const number = this.#plan.operations.indexOf(operation) + 1;
    this.#asking = kind === "asked" ? `#${number}` : undefined;
    this.happenings.push({ at: this.happenings.length, ns: this.#nowNs, kind, number, operation, error });
  }

  /** Nobody says that a process died. It is seen by what it no longer does. */
  lookForTheDead(): void {
    for (const { cpu, isAlive } of this.#host?.cpus ?? []) {
      if (isAlive) this.#alive.add(cpu);
      else if (this.#alive.delete(cpu))
        this.happenings.push({ at: this.happenings.length, ns: this.#nowNs, kind: "died", node: cpu });
    }
    if (this.#host === undefined) return;
    if (this.#host.l0 !== undefined) this.#alive.add(L0);
    else if (this.#alive.delete(L0))
      this.happenings.push({ at: this.happenings.length, ns: this.#nowNs, kind: "died", node: L0 });
  }

  /** Of an operation that no client asked for. */
  #nameOf({ instruction, monoNs }: HistoryEvent): string {
    if (instruction === REGISTRATION) return REGISTRATION;
    return monoNs >= (this.#plan.operations.at(-1)?.atNs ?? 0) + SAFETY_NS ? "closing" : "fault";
  }

  get #nowNs(): number {
    return this.#host?.scheduler.nowNs ?? 0;
  }

  #request({ batch }: Batched): string {
    if (batch.instructions.length === 0) return "(withdrawn)";
    return batch.instructions.map((step) => renderRequest(step, (region) => this.#name(region))).join(" ");
  }

  #executed({ batch, completion }: Completed): string {
    if (batch.instructions.length === 0) return "(withdrawn)";
    const style = { nameRegion: (region: number) => this.#name(region), epochs: true };
    const steps = completion.results.map((result, i) => renderStep(batch.instructions[i], result, style));
    const skipped = batch.instructions.length - completion.results.length;
    const last = completion.results.at(-1);
    const step = batch.instructions[completion.results.length - 1];
    const isCut = skipped > 0 && last !== undefined && step !== undefined && !isExpected(step, last);
    return [...steps.filter((text) => text !== ""), ...(isCut ? [`(${skipped} not executed)`] : [])].join(" ");
  }

  #name(region: number): string {
    return this.#nameKnown(region) ?? `0x${region.toString(16)}`;
  }

  #nameKnown(region: number | undefined): string | undefined {
    return region === undefined ? undefined : this.#names.get(region);
  }
}
