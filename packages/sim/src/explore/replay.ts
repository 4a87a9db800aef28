import type { NestedState, OperationError } from "@vmcslab/nested";
import type { SimHost } from "../host/sim-host.js";
import type { Plan, PlannedOperation } from "./plan.js";
import { type PlanOutcome, type RunPlanOptions, runPlan } from "./run-plan.js";

/** One operation of a plan and how it ended, with the state of the host at that instant. */
export interface ReplayStep {
  /** From 1, as in the plan. */
  readonly number: number;
  readonly operation: PlannedOperation;
  readonly askedNs: number;
  /** Undefined: it had no vcpu to work on. */
  readonly endedNs: number | undefined;
  readonly error: OperationError | undefined;
  readonly state: HostSnapshot;
}

export interface HostSnapshot {
  readonly cpus: readonly CpuSnapshot[];
  /** Of L0, if it is up. */
  readonly vcpus: readonly NestedState[];
}

export interface CpuSnapshot {
  readonly cpu: number;
  readonly state: "down" | "vmxOff" | "root" | "guest";
  /** Name of the current VMCS. */
  readonly current: string | undefined;
  readonly active: readonly string[];
}

export interface ReplayOptions extends Pick<RunPlanOptions, "model" | "saboteur"> {
  /** Ends the run when this operation has ended. */
  readonly until?: number;
}

export interface Replay {
  readonly steps: readonly ReplayStep[];
  readonly outcome: PlanOutcome;
  /** It was ended by `until`, so that its digest and verdict are of a part. */
  readonly isPart: boolean;
}

/** Runs a plan again and looks at the host after each operation, in the order in which they end. */
export function replayPlan(plan: Plan, { until, ...options }: ReplayOptions): Replay {
  const steps: ReplayStep[] = [];
  const asked = new Map<PlannedOperation, number>();
  const names = new Map<number, string>();
  let host: SimHost | undefined;
  let isPart = false;
  const outcome = runPlan(plan, {
    ...options,
    onHost: (made) => {
      host = made;
    },
    onEvent: ({ kind, region, vmcs }) => {
      if (kind === "vmcs.allocated" && region !== undefined) names.set(region, `VMCS${vmcs}`);
    },
    onOperation: (happened, operation, error) => {
      if (host === undefined) return undefined;
      const { nowNs } = host.scheduler;
      if (happened === "asked") {
        asked.set(operation, nowNs);
        return undefined;
      }
      const number = plan.operations.indexOf(operation) + 1;
      const endedNs = happened === "ended" ? nowNs : undefined;
      steps.push({
        number,
        operation,
        askedNs: asked.get(operation) ?? nowNs,
        endedNs,
        error,
        state: look(host, names),
      });
      if (number === until) isPart = true;
      return number === until ? "stop" : undefined;
    },
  });
  return { steps, outcome, isPart };
}

function look(host: SimHost, names: ReadonlyMap<number, string>): HostSnapshot {
  const name = (region: number): string => names.get(region) ?? `0x${region.toString(16)}`;
  const cpus = host.cpus.map(({ cpu, isAlive, processor }): CpuSnapshot => {
    if (!isAlive) return { cpu, state: "down", current: undefined, active: [] };
    if (!processor.inVmxOperation) return { cpu, state: "vmxOff", current: undefined, active: [] };
    const current = processor.currentVmcs < 0 ? undefined : name(processor.currentVmcs);
    const active = processor.activeVmcss().map(({ region }) => name(region));
    return { cpu, state: processor.nonRoot ? "guest" : "root", current, active: active.sort() };
  });
  return { cpus, vcpus: host.hypervisor?.listVcpus() ?? [] };
}
