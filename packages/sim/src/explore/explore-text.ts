/** Plans for people. */
import { ANY_CPU, type CpuChoice, type Distribution, type Fault, faultName } from "@vmcslab/faults";
import { vmcs12Address } from "./guest-image.js";
import type { Plan, PlannedOperation } from "./plan.js";

/** `place vcpu0 on cpu1`. */
export function describeOperation(operation: PlannedOperation): string {
  switch (operation.kind) {
    case "create":
      return `create vcpu${operation.vcpu} on cpu${operation.cpu}, pool size ${operation.poolSize}`;
    case "build":
      return `vcpu${operation.vcpu}: L1 builds the vmcs12 ${address(operation.guest)} and VMCLEARs it`;
    case "enter":
      return `vcpu${operation.vcpu}: L1 VMPTRLDs ${address(operation.guest)}, moves its GDT and enters L2`;
    case "exit":
      return `vcpu${operation.vcpu}: the guest exits, reason ${operation.reason}`;
    case "vmclear":
      return `vcpu${operation.vcpu}: L1 VMCLEARs ${address(operation.guest)}`;
    case "vmxoff":
      return `vcpu${operation.vcpu}: L1 executes VMXOFF`;
    case "place":
      return `move vcpu${operation.vcpu} to cpu${operation.cpu}`;
    case "destroy":
      return `destroy vcpu${operation.vcpu}`;
    case "offline":
    case "online":
      return `take cpu${operation.cpu} ${operation.kind}`;
    case "crashClearAll":
      return "L0 crashes: every CPU is to clear all it holds";
  }
}

/** `crash#1: crash of cpu1, from 2 ms for 5 ms`. */
export function describeFault(fault: Fault, index: number): string {
  const begin =
    fault.on === undefined
      ? `from ${milliseconds(fault.at ?? 0)}`
      : `from event ${fault.on.nth ?? 1} of ${fault.on.event}`;
  const end = fault.forNs === undefined ? "to the end" : `for ${milliseconds(fault.forNs)}`;
  return `${faultName(fault, index)}: ${describeAction(fault)}, ${begin} ${end}`;
}

/** What is not said by its operations and faults: how large the host is, and how it behaves. */
export function describeHost(plan: Plan): string {
  const { cpus, policy, leaseNs, latency, inOrder, memoryPages, journalNs, design } = plan;
  const lost =
    policy === "wait" ? "L0 waits for a silent CPU" : `policy ${policy} with leases of ${milliseconds(leaseNs)}`;
  return [
    `${cpus} ${cpus === 1 ? "CPU" : "CPUs"}, ${lost}`,
    `messages take ${describeDelay(latency)}${inOrder ? "" : ", overtaking each other"}`,
    `${memoryPages} pages`,
    ...(design === undefined
      ? []
      : [`design ${design.vmcs02}, preparation ${design.preparation}, clearing ${design.clearing}`]),
    ...(journalNs === undefined ? [] : [`a journal that takes ${milliseconds(journalNs)}`]),
  ].join("; ");
}

export function milliseconds(ns: number): string {
  return `${ns / 1e6} ms`;
}

function describeAction({ action, match }: Fault): string {
  switch (action.kind) {
    case "delay":
      return `delay of ${describeDelay(action.delay)} for ${describeMatch(match)}`;
    case "duplicate":
      return `${action.copies} more ${action.copies === 1 ? "copy" : "copies"} of ${describeMatch(match)}`;
    case "reorder":
      return `${describeMatch(match)} held for ${milliseconds(action.byNs)} and overtaken`;
    case "error":
      return `error (${action.definite ? "definite" : "indefinite"}) instead of ${describeMatch(match)}`;
    case "dropRequest":
      return `loss of ${describeMatch(match)}`;
    case "dropReply":
      return `loss of the replies to ${describeMatch(match)}`;
    case "crash": {
      const when = { now: "", beforeFlush: " before its next write-back", afterFlush: " after its next write-back" };
      return `crash of ${describeCpu(action.cpu)}${when[action.when]}`;
    }
    case "crashL0":
      return "crash of l0";
    case "stopBus":
      return "events reach nobody";
    case "clockSkew":
      return `clock of ${action.clock === "l0" ? "l0" : `cpu${action.clock}`} off by ${action.ppm} ppm and ${milliseconds(action.offsetNs)}`;
    case "refuseAllocation":
      return `no memory for ${action.times} ${action.what === "node" ? "pool entries" : "pages"}`;
    default:
      return `${action.kind} of ${describeCpu(action.cpu)}`;
  }
}

function describeCpu(cpu: CpuChoice): string {
  return cpu === ANY_CPU ? "any CPU" : `cpu${cpu}`;
}

function describeMatch(match: Fault["match"] = {}): string {
  const { from, to, method, nth, every, probability } = match;
  return [
    ...(nth === undefined ? [] : [`number ${nth} of the`]),
    ...(every === undefined ? [] : [`one in ${every} of the`]),
    ...(probability === undefined ? [] : [`${Math.round(probability * 100)} % of the`]),
    ...(method === undefined ? ["messages"] : [`${method} messages`]),
    ...(from === undefined ? [] : [`from ${from === "cpu" ? "any CPU" : from}`]),
    ...(to === undefined ? [] : [`to ${to === "cpu" ? "any CPU" : to}`]),
  ].join(" ");
}

function describeDelay(delay: Distribution): string {
  if ("constant" in delay) return milliseconds(delay.constant);
  if ("uniform" in delay) return `${milliseconds(delay.uniform.min)} to ${milliseconds(delay.uniform.max)}`;
  if ("exponential" in delay) return `${milliseconds(delay.exponential.mean)} on average`;
  if ("logNormal" in delay)
    return `${milliseconds(delay.logNormal.p50)} (p50) to ${milliseconds(delay.logNormal.p99)} (p99)`;
  if ("pareto" in delay) return `${milliseconds(delay.pareto.scale)} or more`;
  return "as measured";
}

function address(guest: number): string {
  return `0x${vmcs12Address(guest).toString(16)}`;
}
