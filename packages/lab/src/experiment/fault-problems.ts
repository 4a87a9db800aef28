/** What is wrong with the faults of an experiment that no single value shows: what excludes what, CPUs that are not there, order of numbers. */
import { ANY_CPU, FAULT_ACTIONS, type FaultKind } from "@vmcslab/faults";
import { EVENT_KINDS } from "@vmcslab/history";
import { didYouMean } from "../text/suggest.js";
import type { ActionEntry } from "./action-schema.js";
import type { DistributionEntry } from "./delay-schema.js";
import type { FaultEntry } from "./fault-schema.js";
import { actionKind } from "./faults.js";
import type { Problem } from "./issues.js";
import type { Experiment } from "./schema.js";
import { nanoseconds, parseDurationNs, WHILE_FAULTS } from "./units.js";
import { durationOf } from "./workload-problems.js";

type Judged = Pick<Experiment, "faults"> & {
  readonly workload?: Experiment["workload"];
  readonly machine: Pick<Experiment["machine"], "cpus">;
};

export function faultProblems({ faults, machine, workload }: Judged): Problem[] {
  const names = faults.map(({ name }) => name);
  const problems = faults.flatMap((fault, index) => {
    const isRepeated = fault.name !== undefined && names.indexOf(fault.name) !== index;
    return [
      ...(isRepeated ? [{ path: ["name"], message: `another fault is called "${fault.name}"` }] : []),
      ...timingProblems(fault),
      ...matchProblems(fault),
      ...cpuProblems(fault, machine.cpus),
      ...(typeof fault.do === "object" && "delay" in fault.do ? delayProblems(fault.do.delay, ["do", "delay"]) : []),
      ...(typeof fault.do === "object" && "reorder" in fault.do && nanoseconds(fault.do.reorder.by) === 0
        ? [{ path: ["do", "reorder", "by"], message: "must be longer than 0" }]
        : []),
      ...(fault.repeat === undefined ? [] : delayProblems(fault.repeat.every, ["repeat", "every"])),
    ].map(({ path, message }) => ({ path: ["faults", index, ...path], message }));
  });
  return [...problems, ...extentProblems(faults, workload)];
}

/** A workload that lasts as long as the faults ends only if they do. */
function extentProblems(faults: readonly FaultEntry[], workload: Experiment["workload"] | undefined): Problem[] {
  const lasts = workload === undefined ? undefined : durationOf(workload);
  if (lasts?.duration !== WHILE_FAULTS) return [];
  const path = ["workload", lasts.kind, "duration"];
  if (faults.length === 0) return [{ path, message: `there are no faults to last as long as` }];
  const endless = faults.findIndex(
    ({ on, for: lease, do: action }) => on !== undefined || !hasEnd(lease, actionKind(action)),
  );
  if (endless === -1) return [];
  const why =
    faults[endless]?.on === undefined ? "lasts until the workload ends" : "may never begin, as it waits for an event";
  return [{ path, message: `faults.${endless} ${why}: write a duration, or change that fault` }];
}

function timingProblems({ at, on, for: lease, repeat, do: action }: FaultEntry): Problem[] {
  const problems: Problem[] = [];
  if (at !== undefined && on !== undefined)
    problems.push({ path: ["on"], message: "a fault begins either `at` a time or `on` an event: remove one" });
  if (on !== undefined && !Object.hasOwn(EVENT_KINDS, on.event)) {
    const hint = didYouMean(on.event, Object.keys(EVENT_KINDS)) || "; docs/events.md lists them";
    problems.push({ path: ["on", "event"], message: `there is no event kind "${on.event}"${hint}` });
  }
  if (lease !== undefined && actionKind(action) === "online")
    problems.push({ path: ["for"], message: "`online` is over when it has happened: remove `for`" });
  else if (lease !== undefined && parseDurationNs(lease) === 0)
    problems.push({ path: ["for"], message: "must be longer than 0" });
  if (repeat !== undefined && !hasEnd(lease, actionKind(action)))
    problems.push({ path: ["repeat"], message: "only what ends begins again: say `for` how long it lasts" });
  return problems;
}

/** By its lease; not only with the workload. */
function hasEnd(lease: string | undefined, kind: FaultKind): boolean {
  return lease === undefined ? FAULT_ACTIONS[kind].leaseNs !== undefined : lease !== "forever";
}

function matchProblems({ match, do: action }: FaultEntry): Problem[] {
  const kind = actionKind(action);
  const { strikes } = FAULT_ACTIONS[kind];
  if (strikes === "messages" && match === undefined)
    return [{ path: [], message: `${kind} strikes messages: say which with \`match\`; "match: {}" is all of them` }];
  if (strikes === "host" && match !== undefined)
    return [{ path: ["match"], message: `${kind} strikes no messages: remove \`match\`` }];
  const isReply = match?.method === "completion" || match?.method === "grant";
  if (isReply && (kind === "dropReply" || kind === "error")) {
    const request = match.method === "completion" ? "batch" : "beat";
    return [
      {
        path: ["match", "method"],
        message: `${kind} is for requests: match "${request}" to strike what a ${match.method} answers`,
      },
    ];
  }
  return [];
}

function cpuProblems({ match, do: action }: FaultEntry, cpus: number): Problem[] {
  const named: [path: string[], cpu: number | undefined][] = [
    [["match", "from"], cpuNamed(match?.from)],
    [["match", "to"], cpuNamed(match?.to)],
    ...cpuOfAction(action),
  ];
  return named.flatMap(([path, cpu]) =>
    cpu === undefined || cpu < cpus
      ? []
      : [{ path, message: `there is no CPU ${cpu}: machine.cpus is ${cpus}, so they are 0 to ${cpus - 1}` }],
  );
}

function cpuOfAction(action: ActionEntry): [string[], number | undefined][] {
  if (typeof action === "string") return [];
  return Object.entries(action).flatMap(([kind, settings]): [string[], number | undefined][] => {
    if ("cpu" in settings) return settings.cpu === ANY_CPU ? [] : [[["do", kind, "cpu"], settings.cpu]];
    if ("clock" in settings) return [[["do", kind, "clock"], cpuNamed(settings.clock)]];
    return [];
  });
}

function cpuNamed(party: string | undefined): number | undefined {
  const [, digits] = /^cpu(\d+)$/.exec(party ?? "") ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** Of numbers that must be above 0, or in order. */
function delayProblems(delay: DistributionEntry, path: readonly string[]): Problem[] {
  const problem = (name: string, message: string): Problem[] => [{ path: [...path, name], message }];
  if ("uniform" in delay && nanoseconds(delay.uniform.min) > nanoseconds(delay.uniform.max))
    return problem("uniform", "`min` must not be above `max`");
  if ("logNormal" in delay) {
    if (nanoseconds(delay.logNormal.p50) === 0) return problem("logNormal", "`p50` must be longer than 0");
    if (nanoseconds(delay.logNormal.p50) > nanoseconds(delay.logNormal.p99))
      return problem("logNormal", "`p50` must not be above `p99`");
  }
  if ("pareto" in delay && nanoseconds(delay.pareto.scale) === 0)
    return problem("pareto", "`scale` must be longer than 0");
  return [];
}
