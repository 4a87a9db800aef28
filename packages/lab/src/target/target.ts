/** Where an experiment runs: a host, and the trace that records it. */

import type { Fault, FaultFact, FaultTally } from "@vmcslab/faults";
import type { Design, HostCounters } from "@vmcslab/nested";
import type { Credentials, NatsLogin } from "@vmcslab/runtime";
import type { CostModel, CycleTotals } from "@vmcslab/sim";
import type { HostProcesses } from "../faults/processes.js";
import type { Host } from "../host.js";

export interface RunClock {
  wallUs(): number;
  /** Monotonic, in nanoseconds. */
  monoNs(): number;
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** `embedded`: child processes. `attached`: a host that ran already. `simulated`: one process, in virtual time. */
export type RunMode = "embedded" | "attached" | "simulated";

/** What trace counted over all sources. */
export interface EventCounts {
  readonly published: number;
  readonly stored: number;
  readonly lost: number;
}

/** How far one life of a source got. */
export interface SourcePosition {
  readonly host: string;
  readonly source: string;
  readonly incarnation: number;
  /** Number of its last event. */
  readonly published: number;
}

/** The end of the recording. */
export interface Settlement {
  readonly events: EventCounts;
  /** What the sources said themselves. */
  readonly positions: readonly SourcePosition[];
  /** Names of sources that did not say: what they had not published is missing, and no number shows it. */
  readonly silent: readonly string[];
  /** Lives of sources that are over and never stated where they end: they were killed, and what they had not published is missing too. */
  readonly unended?: readonly SourcePosition[];
  /** Where sources stood when the run began on a host that had run before. Their earlier events are not part of the history. */
  readonly beginnings?: readonly SourcePosition[];
  /** All sources ran on one machine: their monotonic clocks are one. Default false. */
  readonly sharedClock?: boolean;
}

export interface TargetOptions {
  readonly cpus: number;
  readonly poolSize: number;
  readonly design: Design;
  readonly cpuModel?: string;
  /** What L0 does about a silent CPU. */
  readonly lostCpu: "wait" | "fence" | "kill";
  /** How long a lease of it lasts, with its unit; only for `fence` and `kill`. */
  readonly lease: string;
  /** Name of the host in events. */
  readonly hostName: string;
  /** Folder that trace records into. */
  readonly historyDir: string;
  /** Events go over this NATS server instead of a direct stream. */
  readonly natsUrl?: string;
  /** How to log in there. */
  readonly natsLogin?: NatsLogin;
  readonly logLevel: string;
  /** Folder for the services' logs. */
  readonly logsDir: string;
  /** Where L0 keeps its journal; undefined: nowhere. */
  readonly journal?: string;
  /** What the experiment will do to the host. */
  readonly faults: readonly Fault[];
}

/** What was done to a host on purpose. */
export interface FaultsReport {
  readonly injected: number;
  readonly healed: number;
  /** By what they do (`dropReply`, `crash`, …). `struck`: messages, or once for each that was done to the host itself. */
  readonly byKind: Readonly<Record<string, FaultOutcome>>;
}

/** What came of the faults of one kind. */
export interface FaultOutcome extends Readonly<FaultTally> {
  /** Operations that were under way when such a fault began. Absent where time is virtual. */
  readonly inFlight?: number;
  /** Of those, how many vcpus had a later operation succeed. */
  readonly recovered?: number;
  /** From the beginning of such a fault to that success. Absent: there was none. */
  readonly recoveryMs?: { readonly p50: number; readonly p99: number };
}

/** What virtual time went by, and what for. */
export interface SpentTime {
  /** Since the workload's start. */
  readonly virtualNs: number;
  /** Messages delivered and timers fired. */
  readonly steps: number;
  readonly cyclesByRow: CycleTotals;
}

/** What only a simulated host has. */
export interface SimulatedPart {
  /** Virtual: the workload has no other. */
  readonly clock: RunClock;
  readonly costModel: CostModel;
  /** Of the operation that this answers; undefined for what no operation answered. */
  roundTripsOf(answer: object): number | undefined;
  /** Ends what faults still act, and lets the host settle. Sentences about what did not. */
  conclude(): readonly string[];
  faults(): FaultsReport;
  /** Every fault has begun as often as it is to, and ended. */
  areFaultsOver(): boolean;
  spent(): SpentTime;
}

/** What faults can be done to, on a host of processes. */
export interface FaultTarget {
  /** host:port of L0. */
  readonly l0Address: string;
  /** For it. Default: none. */
  readonly credentials?: Credentials;
  /** Absent: nobody here can touch the host's processes from outside. */
  readonly processes?: HostProcesses;
  /** By which means faults are injected, and what there is to know about them; it grows. */
  readonly notes?: string[];
  /** States what is done to processes from outside, as source `faults`. Absent: it is not in the history. */
  readonly emit?: (fact: FaultFact) => void;
  /** Ends when the host is whole again. Throws UnavailableError when it is not in time. */
  whole(): Promise<void>;
}

export interface RunningTarget {
  readonly mode: RunMode;
  readonly host: Host;
  /** Absent where time is virtual: faults are the simulator's then. */
  readonly faults?: FaultTarget;
  readonly simulated?: SimulatedPart;
  /** What L0 had counted before the run, on a host that had run before. */
  readonly countersBefore?: HostCounters;
  /** Ends, with a sentence, when a part of the target ends that should not have; never otherwise. */
  readonly broken: Promise<string>;
  /** Has CPUs and L0 publish what they hold back, and asks trace what it has. */
  settle(): Promise<Settlement>;
  /** Stops everything. Can be called at any time, also twice. */
  stop(): Promise<void>;
}
