/** A plan that ran again: each operation, and the host after it. */
import type { PlanFile } from "@vmcslab/lab/explore";
import type { NestedState } from "@vmcslab/nested";
import {
  type CpuSnapshot,
  describeOperation,
  drawPicture,
  PICTURE_LEGEND,
  type Recording,
  type Replay,
  type ReplayStep,
} from "@vmcslab/sim";
import { formatEvidence, formatPlan, ruleSays } from "./finding.js";
import { Palette } from "./palette.js";

export interface Replayed {
  readonly file: string;
  readonly plan: PlanFile;
  readonly replay: Replay;
}

export function replayDocument({ file, plan: { mutant, plan, digest }, replay: { steps, outcome, isPart } }: Replayed) {
  const { violation } = outcome;
  return {
    schema: "vmcslab.replay/v1",
    file,
    mutant,
    seed: plan.seed,
    violation: violation === undefined ? null : { rule: violation.rule, message: violation.message },
    digest: outcome.digest,
    sameDigest: outcome.digest === digest,
    stoppedEarly: isPart,
    operations: steps.map(({ number, operation, askedNs, endedNs, error, state }) => ({
      number,
      operation: describeOperation(operation),
      askedNs,
      endedNs: endedNs ?? null,
      status: endedNs === undefined ? "skipped" : (error?.code ?? "ok"),
      ...(error === undefined ? {} : { definite: error.definite, message: error.message }),
      cpus: state.cpus,
      vcpus: state.vcpus.map(({ vcpu, cpu, guestMode, pool }) => ({
        vcpu,
        cpu,
        guestMode,
        pool: pool.map(({ vmptr, ...entry }) => ({ vmptr: `0x${vmptr.toString(16)}`, ...entry })),
      })),
    })),
  };
}

export function formatReplayHead({ plan: { plan, mutant } }: Replayed, colour: boolean): string {
  const design = mutant === null ? "true design" : `mutant ${mutant}`;
  const lines = [new Palette(colour).head(`seed ${plan.seed}, ${design}`), ...formatPlan(plan), ""];
  return `${lines.join("\n")}\n`;
}

export function formatStep({ number, operation, endedNs, error, state }: ReplayStep, colour: boolean): string {
  const time = endedNs === undefined ? "" : ` (${(endedNs / 1e6).toFixed(3)} ms)`;
  const lines = [
    new Palette(colour).head(`#${number} ${describeOperation(operation)}`),
    `  ${endOf(endedNs, error)}${time}`,
    ...state.cpus.map((cpu) => `  ${formatCpu(cpu)}`),
    ...state.vcpus.map((vcpu) => `  ${formatPool(vcpu)}`),
  ];
  return `${lines.join("\n")}\n`;
}

function endOf(endedNs: ReplayStep["endedNs"], error: ReplayStep["error"]): string {
  if (endedNs === undefined) return "not asked for: there is no such vcpu";
  if (error === undefined) return "ok";
  return `${error.code}${error.definite ? "" : ", and nobody knows whether it took effect"}: ${error.message}`;
}

function formatCpu({ cpu, state, current = "none", active }: CpuSnapshot): string {
  if (state === "down") return `cpu${cpu}: down`;
  if (state === "vmxOff") return `cpu${cpu}: VMX off`;
  return `cpu${cpu}: current:${current} active:[${active.join(",")}]`;
}

function formatPool({ vcpu, pool }: NestedState): string {
  const entries = pool.map(({ vmptr, vmcs, cpu, launched }) => {
    const where = cpu < 0 ? "nowhere" : `cpu${cpu}`;
    return `0x${vmptr.toString(16)}→VMCS${vmcs} ${where} ${launched ? "launched" : "clear"}`;
  });
  return `vcpu${vcpu} pool: [${entries.join(", ")}]`;
}

export function formatReplayEnd({ plan, replay }: Replayed, recording: Recording | undefined, colour: boolean): string {
  const palette = new Palette(colour);
  const { outcome, isPart, steps } = replay;
  if (isPart) return `stopped: operation ${steps.at(-1)?.number} has ended\n`;
  const { violation, digest } = outcome;
  const lines =
    violation === undefined
      ? ["", "no rule is violated"]
      : [
          "",
          ...(recording === undefined ? [] : [...drawPicture(recording), PICTURE_LEGEND, ""]),
          palette.head(`violates ${violation.rule}: ${ruleSays(violation.rule)}`),
          `  ${violation.message}`,
          ...formatEvidence(violation),
        ];
  const isSame = digest === plan.digest;
  const compared = isSame ? "as recorded" : `NOT as recorded (${plan.digest}): the plan or vmcslab has changed since`;
  return `${[...lines, `digest ${digest}, ${compared}`].join("\n")}\n`;
}
