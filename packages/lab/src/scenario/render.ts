import type { BatchInstruction, InstructionResult, L1Outcome, NestedState } from "@vmcslab/nested";
import type { Board, Delivery } from "@vmcslab/sim";

/** Names VMCSs by identity: `vmcs3`. */
export type NameRegion = (region: number) => string;

/** `cpu1 ← interrupt→exit vmclear vmcs3→launched vmresume` */
export function renderDelivery({ batch, completion, fault, again }: Delivery, nameRegion: NameRegion): string {
  const head = `cpu${batch.cpu} ←${again ? " (asked again)" : ""}`;
  if (fault === "dropRequest") return `${head} (request lost) ${batch.instructions.map((step) => step.kind).join(" ")}`;
  const results = completion?.results ?? [];
  const steps = results
    .map((result, i) => renderStep(batch.instructions[i], result, nameRegion))
    .filter((step) => step !== "");
  const skipped = batch.instructions.length - results.length;
  return [
    head,
    ...steps,
    ...(skipped > 0 ? [`(${skipped} not executed)`] : []),
    ...(fault === "dropReply" ? ["(reply lost)"] : []),
  ].join(" ");
}

function renderStep(step: BatchInstruction | undefined, result: InstructionResult, nameRegion: NameRegion): string {
  switch (step?.kind) {
    case "vmptrld":
      return `vmptrld ${nameRegion(step.region)}${step.image === undefined ? "" : `(epoch ${step.epoch})`}${suffix(result, "succeed")}`;
    case "vmclear":
      return `vmclear ${nameRegion(step.region)}${suffix(result, "succeed")}${launchState(step.epoch, result)}`;
    case "vmwrite":
      return `vmwrite×${step.fields.encodings.length}${suffix(result, "succeed")}`;
    case "vmread":
      return `vmread×${step.encodings.length}${suffix(result, "succeed")}`;
    case "vmlaunch":
    case "vmresume":
      return `${step.kind}${suffix(result, "vmentry")}`;
    case "guestExit":
      return `exit(${step.reason})${suffix(result, "vmexit")}`;
    case "interrupt":
      return result.status === "skipped" ? "" : `interrupt→exit`;
    case "resumeInterrupted":
      return result.status === "skipped" ? "" : `vmresume${suffix(result, "vmentry")}`;
    default:
      return `${step?.kind}${suffix(result, "succeed")}`;
  }
}

function launchState(epoch: number, result: InstructionResult): string {
  if (epoch === 0) return "(first)";
  return result.status === "succeed" ? `(was ${result.launched === true ? "launched" : "clear"})` : "";
}

function suffix(result: InstructionResult, expected: string): string {
  const failed = result.entryFailure === true;
  if (result.status === expected && !failed) return "";
  const detail = result.error ?? result.reason;
  return `→${failed ? "entryFailure" : result.status}${detail === undefined ? "" : ` ${detail}`}`;
}

export function renderOutcome(name: string, outcome: L1Outcome): string {
  const detail = outcome.error ?? outcome.vector ?? outcome.reason;
  const value = outcome.value === undefined ? "" : ` 0x${outcome.value.toString(16)}`;
  const qualification =
    outcome.qualification === undefined ? "" : ` qualification 0x${outcome.qualification.toString(16)}`;
  return `${name}: ${outcome.status}${detail === undefined ? "" : ` ${detail}`}${qualification}${value}`;
}

export function renderVcpu(state: NestedState): string[] {
  const inUse = `vmcs${state.loadedVmcs}`;
  const level = state.guestMode ? "L2" : "L1";
  const lines = [
    `vcpu${state.vcpu}: on cpu${state.cpu}, ${level} on ${inUse}, vmxon=${state.vmxon ? pointer(state.vmxonPointer) : "off"}, current vmcs12=${pointer(state.currentVmptr)}`,
    `  vmcs01 ${renderLoaded(state.vmcs01)}`,
  ];
  for (const entry of state.pool) lines.push(`  ${pointer(entry.vmptr)} → ${renderLoaded(entry)}`);
  return lines;
}

function renderLoaded({ vmcs, cpu, launched }: { vmcs: number; cpu: number; launched: boolean }): string {
  return `vmcs${vmcs} cpu=${cpu === -1 ? "none" : cpu} ${launched ? "launched" : "clear"}`;
}

/** kvm-unit-tests' notation: `cpu0: root current:vmcs1 active:[vmcs1* vmcs3]`; a star marks a launched VMCS. */
export function renderCpus(board: Board, nameRegion: NameRegion): string[] {
  return board.cpuNumbers.map((number) => {
    if (!board.isAlive(number)) return `cpu${number}: dead`;
    const processor = board.processor(number);
    if (!processor.inVmxOperation) return `cpu${number}: VMX off`;
    const active = processor
      .activeVmcss()
      .map(({ region, launched }) => `${nameRegion(region)}${launched ? "*" : ""}`)
      .sort();
    const current = processor.currentVmcs < 0 ? "none" : nameRegion(processor.currentVmcs);
    return `cpu${number}: ${processor.nonRoot ? "guest" : "root"} current:${current} active:[${active.join(" ")}]`;
  });
}

function pointer(address: bigint): string {
  return address === 0xffff_ffff_ffff_ffffn ? "none" : `0x${address.toString(16)}`;
}
