/** By which means each backend injects a fault. docs/faults.md has it as a table. */
import type { Fault, FaultKind } from "@vmcslab/faults";
import type { HostProcesses } from "./processes.js";

/** Where an experiment may run: `--simulate`, processes of its own, `--attach`, `--compose`. */
export const BACKENDS = ["simulated", "embedded", "attached", "compose"] as const;
export type Backend = (typeof BACKENDS)[number];

/** Whether it is done to processes from outside; L0 and the CPUs do the rest to themselves. What begins at an event only L0 sees in time. */
export function isDoneOutside({ action, on }: Fault, processes: HostProcesses | undefined): boolean {
  if (processes === undefined || on !== undefined) return false;
  if (action.kind === "partition") return processes.cut !== undefined;
  return action.kind === "stall" || action.kind === "crashL0" || (action.kind === "crash" && action.when === "now");
}

const AT_L0 = "by L0, at its end of the link";
const BY_L0 = "by L0";
const MESSAGES = { simulated: "in the simulated network", embedded: AT_L0, attached: AT_L0, compose: AT_L0 };
const AT_FLUSH = "the CPU kills itself";

export const FAULT_MEANS: Readonly<Record<FaultKind, Readonly<Record<Backend, string>>>> = {
  dropRequest: MESSAGES,
  dropReply: MESSAGES,
  delay: MESSAGES,
  duplicate: MESSAGES,
  reorder: MESSAGES,
  error: MESSAGES,
  stall: {
    simulated: "the node does nothing",
    embedded: "SIGSTOP, SIGCONT",
    attached: "the CPU stops itself by SIGSTOP; a guard that it starts before continues it",
    compose: "`docker pause`, `docker unpause`",
  },
  partition: {
    simulated: "in the simulated network",
    embedded: "L0 loses both directions",
    attached: "L0 loses both directions",
    compose: "a packet filter in the CPU's network namespace; where that cannot be had, as attached",
  },
  crash: {
    simulated: "the node forgets everything",
    embedded: `SIGKILL, and started again; at a flush ${AT_FLUSH}`,
    attached: `${AT_FLUSH}; whoever runs the host starts it again, and \`for\` is not kept`,
    compose: `\`docker kill\`, \`docker start\`; at a flush ${AT_FLUSH}, with its restart policy out of force`,
  },
  crashL0: {
    simulated: "the node forgets everything but its journal",
    embedded: "SIGKILL, and started again",
    attached: "L0 kills itself; whoever runs the host starts it again, and `for` is not kept",
    compose: "`docker kill`, `docker start`",
  },
  stopBus: {
    simulated: "events wait",
    embedded: "L0 and the CPUs hold their events",
    attached: "L0 and the CPUs hold their events",
    compose: "L0 and the CPUs hold their events",
  },
  clockSkew: {
    simulated: "the node's clock",
    embedded: "the service's clock, not the machine's",
    attached: "the service's clock, not the machine's",
    compose: "the service's clock, not the machine's",
  },
  refuseAllocation: { simulated: BY_L0, embedded: BY_L0, attached: BY_L0, compose: BY_L0 },
  offline: { simulated: BY_L0, embedded: BY_L0, attached: BY_L0, compose: BY_L0 },
  online: { simulated: BY_L0, embedded: BY_L0, attached: BY_L0, compose: BY_L0 },
};
