import type { EventFact } from "@vmcslab/history";
import {
  FieldStore,
  fieldIndex,
  Instruction,
  type Memory,
  Op,
  type Outcome,
  type Processor,
  Status,
} from "@vmcslab/vmx";
import { applyFields, changedFields, FieldValuesBuilder } from "../field-values.js";
import type { BatchInstruction, FieldValues, InstructionResult, ResultStatus } from "./batch.js";
import type { CpuReport } from "./cpu-report.js";
import type { Stopwatch } from "./timing.js";

/** An activation of a VMCS on this CPU. */
interface Activation {
  readonly epoch: number;
  /** The fields as they were loaded; what differs from them at the VMCLEAR is what L0 must learn. */
  readonly loaded: FieldStore;
  /** The operation that activated it. */
  readonly activatedBy: number;
  /** The last operation that changed its contents or entered its guest. */
  changedBy: number;
}

/** What the last VMCLEAR of a region flushed here. */
interface Flushed {
  readonly epoch: number;
  readonly result: InstructionResult;
}

const EXTERNAL_INTERRUPT = 1;

const STATUS: Readonly<Record<number, ResultStatus>> = {
  [Status.succeed]: "succeed",
  [Status.failInvalid]: "failInvalid",
  [Status.failValid]: "failValid",
  [Status.exception]: "exception",
  [Status.vmentry]: "vmentry",
  [Status.vmexit]: "vmexit",
};

export interface BatchTargetOptions {
  readonly cpu: number;
  readonly processor: Processor;
  /** This CPU's view of host memory: home images are placed in it and flushed to it. */
  readonly memory: Memory;
  /** The revision identifier of the processor. */
  readonly revision: number;
  readonly emit: (fact: EventFact) => void;
  /** Times the batches of cross-CPU calls. Absent: their completions say nothing of time. */
  readonly stopwatch?: Stopwatch;
}

/** Executes the steps of batches on a processor, and keeps what belongs to the VMCSs that L0 loaded here: their epochs, and what was flushed of them. */
export class StepExecutor {
  readonly #options: BatchTargetOptions;
  readonly #cpu: number;
  readonly #emit: (fact: EventFact) => void;
  readonly #instruction = new Instruction();
  /** Cuts what the guest leaves behind to the widths of its fields. */
  readonly #guestState = new FieldStore();
  /** What a VMCLEAR wrote to memory. */
  readonly #now = new FieldStore();
  /** Of activations that are over, to be used again. */
  readonly #unused: FieldStore[] = [];
  readonly #activations = new Map<number, Activation>();
  /** By region, until it is loaded here again. */
  readonly #flushed = new Map<number, Flushed>();
  #operation = 0;
  /** The region whose guest this batch's interrupt took the CPU out of. */
  #interrupted: number | undefined;

  constructor(options: BatchTargetOptions) {
    this.#options = options;
    this.#cpu = options.cpu;
    this.#emit = options.emit;
  }

  /** A batch begins (or, with 0, has ended): events name its operation. */
  begin(operation: number): void {
    this.#operation = operation;
    this.#interrupted = undefined;
  }

  /** The processor is reset, as firmware does for a kernel that boots. */
  reset(): void {
    const { processor } = this.#options;
    if (processor.inVmxOperation) this.#emit({ kind: "vmx.off", operation: this.#operation, cpu: this.#cpu });
    processor.reset();
    this.#activations.clear();
    this.#flushed.clear();
  }

  /** What is active here, for an L0 that takes this CPU over and goes on with it. What was flushed is of no use to it. */
  report(): CpuReport {
    const { processor } = this.#options;
    this.#flushed.clear();
    const held = [...this.#activations].map(([region, { epoch, activatedBy, changedBy }]) => ({
      region,
      epoch,
      launched: processor.isLaunched(region),
      activatedBy,
      changedBy,
    }));
    const { vmxonPointer } = processor;
    return { vmxonRegion: processor.inVmxOperation ? vmxonPointer : undefined, held };
  }

  execute(step: BatchInstruction): InstructionResult {
    switch (step.kind) {
      case "vmxon":
        return this.#vmxon(step.region);
      case "vmxoff":
        return this.#vmxoff();
      case "vmptrld":
        return this.#vmptrld(step.region, step.epoch, step.image);
      case "vmclear":
        return this.#vmclear(step.region, step.epoch);
      case "vmwrite":
        return this.#vmwrite(step.fields);
      case "vmread":
        return this.#vmread(step.encodings);
      case "vmlaunch":
      case "vmresume":
        this.#changes();
        return this.#enter(step.kind);
      case "guestExit":
        return this.#guestExit(step);
      case "interrupt":
        return this.#interrupt();
      case "resumeInterrupted":
        return this.#resumeInterrupted();
    }
  }

  /** In VMX operation with this region already: an earlier batch did it, and its completion was lost. */
  #vmxon(region: number): InstructionResult {
    const { processor } = this.#options;
    if (processor.inVmxOperation && processor.vmxonPointer === region) return SUCCEED;
    this.#options.memory.write32(region, this.#options.revision);
    const result = this.#run(Op.vmxon, region, "vmxon");
    if (result.status === "succeed") this.#emit({ kind: "vmx.on", operation: this.#operation, cpu: this.#cpu, region });
    return result;
  }

  #vmxoff(): InstructionResult {
    if (!this.#options.processor.inVmxOperation) return SUCCEED;
    const result = this.#run(Op.vmxoff, 0, "vmxoff");
    if (result.status !== "succeed") return result;
    this.#activations.clear();
    this.#emit({ kind: "vmx.off", operation: this.#operation, cpu: this.#cpu });
    return result;
  }

  #vmptrld(region: number, epoch: number, image: FieldValues | undefined): InstructionResult {
    const { memory, processor } = this.#options;
    const activation = this.#activations.get(region);
    const activated = image !== undefined;
    // A load with an image is for a VMCS that is active nowhere, one without for the activation that is here.
    if (activated ? activation !== undefined : activation?.epoch !== epoch) return { status: "notMine" };
    let loaded = activation?.loaded ?? this.#guestState;
    if (activated) {
      loaded = this.#freshStore();
      applyFields(image, loaded);
      memory.write32(region, this.#options.revision);
      memory.writeImage(region, loaded);
      memory.writeLaunched(region, false);
    }
    const result = this.#run(Op.vmptrld, region, "vmptrld");
    if (result.status !== "succeed") return result;
    if (activated) {
      this.#activations.set(region, { epoch, loaded, activatedBy: this.#operation, changedBy: this.#operation });
      this.#flushed.delete(region);
    }
    const launched = processor.isLaunched(region);
    const digest = activated ? (processor.fieldsOf(region) ?? loaded).digest() : undefined;
    this.#emit({
      kind: "vmcs.load",
      operation: this.#operation,
      cpu: this.#cpu,
      region,
      epoch,
      activated,
      launched,
      digest,
    });
    return { status: "succeed", launched };
  }

  #freshStore(): FieldStore {
    const store = this.#unused.pop() ?? new FieldStore();
    store.clear();
    return store;
  }

  #vmclear(region: number, epoch: number): InstructionResult {
    const { memory, processor } = this.#options;
    const activation = this.#activations.get(region);
    // Epoch 0 initialises a fresh region: nothing is active, and nothing is flushed.
    if (epoch !== 0 && activation?.epoch !== epoch) {
      const flushed = this.#flushed.get(region);
      return flushed?.epoch === epoch ? flushed.result : { status: "notMine" };
    }
    const launched = processor.isLaunched(region);
    const active = processor.isActive(region);
    const result = this.#run(Op.vmclear, region, "vmclear");
    if (result.status !== "succeed") return result;
    if (activation === undefined) {
      this.#emit({ kind: "vmcs.clear", operation: this.#operation, cpu: this.#cpu, region, epoch, active, launched });
      return result;
    }
    const now = this.#now;
    memory.readImage(region, now);
    this.#activations.delete(region);
    const flushed = { status: "succeed", launched, fields: changedFields(activation.loaded, now) } as const;
    this.#unused.push(activation.loaded);
    this.#flushed.set(region, { epoch, result: flushed });
    this.#emit({
      kind: "vmcs.clear",
      operation: this.#operation,
      cpu: this.#cpu,
      region,
      epoch,
      active,
      launched,
      digest: now.digest(),
    });
    return flushed;
  }

  /** What was decided for the current VMCS changes it. An interrupt, and going back from it, do not. */
  #changes(): void {
    const activation = this.#activations.get(this.#options.processor.currentVmcs);
    if (activation !== undefined) activation.changedBy = this.#operation;
  }

  #vmwrite(fields: FieldValues): InstructionResult {
    this.#changes();
    const instruction = this.#instruction;
    for (let i = 0; i < fields.encodings.length; i++) {
      instruction.field = fields.encodings[i] ?? 0;
      instruction.fieldHigh = 0;
      instruction.low = fields.low[i] ?? 0;
      instruction.high = fields.high[i] ?? 0;
      const result = this.#perform(Op.vmwrite, "vmwrite");
      if (result.status !== "succeed") return result;
    }
    this.#emit({
      kind: "vmcs.write",
      operation: this.#operation,
      cpu: this.#cpu,
      region: this.#options.processor.currentVmcs,
      count: fields.encodings.length,
    });
    return { status: "succeed" };
  }

  #vmread(encodings: readonly number[]): InstructionResult {
    const instruction = this.#instruction;
    const fields = new FieldValuesBuilder();
    for (const encoding of encodings) {
      instruction.field = encoding;
      instruction.fieldHigh = 0;
      const outcome = this.#processor(Op.vmread);
      if (outcome.status !== Status.succeed) return this.#failure(outcome, "vmread");
      fields.encodings.push(encoding);
      fields.low.push(outcome.low);
      fields.high.push(outcome.high);
    }
    return { status: "succeed", fields };
  }

  #enter(kind: "vmlaunch" | "vmresume"): InstructionResult {
    const result = this.#perform(kind === "vmlaunch" ? Op.vmlaunch : Op.vmresume, kind);
    if (result.status === "vmentry") {
      this.#emit({
        kind: "vm.entry",
        operation: this.#operation,
        cpu: this.#cpu,
        region: this.#options.processor.currentVmcs,
        instruction: kind,
      });
    }
    return result;
  }

  #guestExit(step: Extract<BatchInstruction, { kind: "guestExit" }>): InstructionResult {
    const { processor } = this.#options;
    const region = processor.currentVmcs;
    this.#changes();
    if (processor.nonRoot) this.#saveGuestState(step.guest);
    const instruction = this.#instruction;
    instruction.reason = step.reason;
    instruction.qualificationLow = step.qualificationLow;
    instruction.qualificationHigh = step.qualificationHigh;
    instruction.length = 0;
    instruction.information = 0;
    const result = this.#perform(Op.vmexit, "vmexit");
    if (result.status === "vmexit")
      this.#emit({ kind: "vm.exit", operation: this.#operation, cpu: this.#cpu, region, reason: step.reason });
    return result;
  }

  /** What the guest made of itself, as the VM exit saves it into the VMCS (SDM 27.3). */
  #saveGuestState(guest: FieldValues): void {
    this.#guestState.clear();
    applyFields(guest, this.#guestState);
    for (const encoding of guest.encodings) {
      const index = fieldIndex(encoding);
      this.#options.processor.storeGuestField(
        index,
        this.#guestState.low[index] ?? 0,
        this.#guestState.high[index] ?? 0,
      );
    }
  }

  #interrupt(): InstructionResult {
    const { processor } = this.#options;
    if (!processor.nonRoot) return { status: "skipped" };
    const region = processor.currentVmcs;
    const result = this.#perform(Op.interrupt, "interrupt");
    if (result.status !== "vmexit") return result;
    this.#interrupted = region;
    this.#emit({ kind: "vm.exit", operation: this.#operation, cpu: this.#cpu, region, reason: EXTERNAL_INTERRUPT });
    return result;
  }

  #resumeInterrupted(): InstructionResult {
    const region = this.#interrupted;
    if (region === undefined || this.#options.processor.currentVmcs !== region) return { status: "skipped" };
    return this.#enter("vmresume");
  }

  /** One instruction with an address operand. */
  #run(op: (typeof Op)[keyof typeof Op], address: number, name: string): InstructionResult {
    this.#instruction.low = address >>> 0;
    this.#instruction.high = Math.floor(address / 0x1_0000_0000);
    return this.#perform(op, name);
  }

  #perform(op: (typeof Op)[keyof typeof Op], name: string): InstructionResult {
    const outcome = this.#processor(op);
    switch (outcome.status) {
      case Status.succeed:
        return SUCCEED;
      case Status.vmentry:
        return VMENTRY;
      case Status.vmexit:
        return outcome.entryFailure ? this.#failure(outcome, name) : { status: "vmexit", reason: outcome.reason };
      default:
        return this.#failure(outcome, name);
    }
  }

  #processor(op: (typeof Op)[keyof typeof Op]): Outcome {
    this.#instruction.op = op;
    return this.#options.processor.execute(this.#instruction);
  }

  #failure(outcome: Outcome, name: string): InstructionResult {
    const status = STATUS[outcome.status] ?? "exception";
    const entryFailure = status === "vmexit" && outcome.entryFailure;
    const { currentVmcs } = this.#options.processor;
    const where = currentVmcs < 0 ? {} : { region: currentVmcs };
    const shown = entryFailure ? "entryFailure" : status;
    const error = entryFailure ? outcome.reason : status === "exception" ? outcome.vector : outcome.error;
    this.#emit({
      kind: "vm.fail",
      operation: this.#operation,
      cpu: this.#cpu,
      instruction: name,
      status: shown,
      error,
      ...where,
    });
    if (entryFailure) return { status, reason: outcome.reason, entryFailure: true };
    return status === "failInvalid" ? { status } : { status, error };
  }
}

const SUCCEED: InstructionResult = { status: "succeed" };
const VMENTRY: InstructionResult = { status: "vmentry" };
