import { RandomStream, sampler } from "@vmcslab/faults";
import { HistoryDigest, type HistoryEvent, Sanitizer, type Violation } from "@vmcslab/history";
import { type LeaseTerms, NO_LEASE } from "@vmcslab/nested";
import type { CpuModel } from "@vmcslab/vmx";
import type { JournalWatch } from "../host/journal.js";
import type { MessageRecord } from "../host/network.js";
import { type Saboteur, SimHost } from "../host/sim-host.js";
import { type OnOperation, PlanClient } from "./client.js";
import { converge } from "./converge.js";
import { GuestStates } from "./guest-state.js";
import { Marks } from "./marks.js";
import type { Plan } from "./plan.js";
import { PreparedStates } from "./prepared-state.js";
import { RecordedStates } from "./recorded-states.js";

/** What is wrong with a run. */
export interface PlanViolation {
  /** A rule of the sanitizer, or one of {@link EXPLORER_RULES}. */
  readonly rule: string;
  readonly message: string;
  /** The sanitizer's own account, with the events that contradict; absent for the explorer's rules. */
  readonly violation?: Violation;
}

/** What the explorer demands besides the sanitizer's rules. */
export const EXPLORER_RULES = {
  assertion: "a core's own assertion failed",
  "unexpected-outcome": "a CPU answered what the protocol excludes",
  "not-converged": "faults healed, and the host did not become whole, or an operation did not end or failed",
  "mixed-guests": "L2 left with state that is not its own, though nothing changed it",
  "not-as-prepared": "L2 was entered, and its vmcs02 held something else than a full preparation would have written",
  "not-as-recorded": "L0 restarted, and knows something else of a vcpu than its journal was given",
  "vcpu-lost": "L0 restarted, and a vcpu is gone whose creation it had acknowledged",
  leak: "everything was destroyed, and pages, pool entries or active VMCSs are left",
} as const;

export type ExplorerRule = keyof typeof EXPLORER_RULES;

export interface PlanOutcome {
  readonly violation: PlanViolation | undefined;
  /** Messages delivered and timers fired. */
  readonly steps: number;
  readonly events: number;
  /** Virtual time that passed. */
  readonly endNs: number;
  /** Of the whole history, times included. */
  readonly digest: string;
  /** What was seen to happen: see Marks. */
  readonly marks: ReadonlySet<string>;
}

export interface RunPlanOptions {
  readonly model: CpuModel;
  readonly saboteur?: Saboteur;
  readonly onEvent?: (event: HistoryEvent) => void;
  readonly onMessage?: (record: MessageRecord) => void;
  /** Sees the host before time begins. */
  readonly onHost?: (host: SimHost) => void;
  /** Told of each operation of the plan when it is asked for and when it has ended; "stop" ends the run there. */
  readonly onOperation?: (...happened: Parameters<OnOperation>) => "stop" | undefined;
}

const MILLISECOND = 1_000_000;
/** Faults act for so long after the last operation was asked for. */
export const SAFETY_NS = MILLISECOND;
const BEAT_NS = MILLISECOND;
const DEADLINE_MS = 5;
const RESEND_MS = 0.5;
const L1_MEMORY_BYTES = 0x10000;
/** What L0 grants for: rates of two clocks differ by less. Faults skew them by up to eight tenths of it. */
const DRIFT_PPM = 10_000;

/** Thrown to end a run: at its first violation, or where whoever watches wants no more. */
class Stop extends Error {}

/** One run: the safety phase, in which the operations are asked for and the faults act; then everything is healed, and the host must converge. */
export function runPlan(plan: Plan, options: RunPlanOptions): PlanOutcome {
  const sanitizer = new Sanitizer({ storedMax: 1, sharedClock: true });
  const digest = new HistoryDigest({ clocks: true });
  const marks = new Marks();
  const guests = new GuestStates();
  // A mutant is to be found by what it breaks. Where every field is written there is nothing to compare.
  const isCompared = plan.design?.preparation === "incremental" && options.saboteur === undefined;
  const prepared = isCompared ? new PreparedStates(options.model) : undefined;
  let events = 0;
  let found: PlanViolation | undefined;
  const report = (rule: ExplorerRule, message: string): void => {
    found ??= { rule, message };
  };
  const observe = (event: HistoryEvent): void => {
    events++;
    digest.add(event);
    marks.observe(event);
    sanitizer.observe(event);
    options.onEvent?.(event);
    if (sanitizer.violationsTotal > 0) throw new Stop();
    const mixed = guests.observe(event, host);
    if (mixed !== undefined) report("mixed-guests", mixed);
    const different = prepared?.observe(event, host);
    if (different !== undefined) report("not-as-prepared", different);
  };
  let host: SimHost | undefined;
  let complete = false;
  try {
    host = newHost(plan, options, observe, new RecordedStates((message) => report("not-as-recorded", message)));
    options.onHost?.(host);
    const client = new PlanClient(host, (happened, operation, error) => {
      if (error?.code === "unexpectedOutcome")
        report("unexpected-outcome", `${operation.kind} ended in: ${error.message}`);
      if (options.onOperation?.(happened, operation, error) === "stop") throw new Stop();
    });
    client.schedule(plan.operations);
    const lastNs = plan.operations.at(-1)?.atNs ?? 0;
    host.runUntil(lastNs + SAFETY_NS, () => found !== undefined);
    if (found === undefined) converge(host, report, plan.journalNs === undefined ? [] : client.acknowledgedVcpus);
    complete = found === undefined;
  } catch (thrown) {
    if (!(thrown instanceof Stop)) report("assertion", thrown instanceof Error ? thrown.message : String(thrown));
  }
  const [violation] = sanitizer.finish({ complete }).violations;
  if (violation !== undefined) found = { rule: violation.rule, message: violation.message, violation };
  const { steps = 0, nowNs = 0 } = host?.scheduler ?? {};
  return { violation: found, steps, events, endNs: nowNs, digest: digest.toString(), marks: marks.seen };
}

function newHost(
  plan: Plan,
  { model, saboteur, onMessage }: RunPlanOptions,
  observe: (event: HistoryEvent) => void,
  watch: JournalWatch,
): SimHost {
  return new SimHost({
    name: "sim",
    cpus: plan.cpus,
    config: {
      poolSize: 1,
      ...(plan.design === undefined ? {} : { design: plan.design }),
      memoryPages: plan.memoryPages,
      l1MemoryBytes: L1_MEMORY_BYTES,
      model,
      lostVmcs: plan.policy === "kill" ? "kill" : "rebuild",
    },
    lease: leaseOf(plan),
    beatNs: BEAT_NS,
    deadlineMs: DEADLINE_MS,
    resendAfterMs: RESEND_MS,
    latency: sampler(plan.latency),
    inOrder: plan.inOrder,
    faults: plan.faults,
    random: new RandomStream(`${plan.seed}`).fork("run"),
    observe,
    ...(onMessage === undefined ? {} : { onMessage }),
    ...(plan.journalNs === undefined ? {} : { journal: { durableNs: plan.journalNs, watch } }),
    ...(saboteur === undefined ? {} : { saboteur }),
  });
}

function leaseOf({ policy, leaseNs }: Plan): LeaseTerms {
  return policy === "wait" ? NO_LEASE : { durationNs: leaseNs, driftPpm: DRIFT_PPM };
}
