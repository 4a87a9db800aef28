/** Where an experiment runs: a host, and the trace that records it. */
import type { HostCounters } from "@vmcslab/nested";
import type { CostModel, CycleTotals, FaultTally } from "@vmcslab/sim";
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
  /** Where sources stood when the run began on a host that had run before. Their earlier events are not part of the history. */
  readonly beginnings?: readonly SourcePosition[];
  /** All sources ran on one machine: their monotonic clocks are one. Default false. */
  readonly sharedClock?: boolean;
}

export interface TargetOptions {
  readonly cpus: number;
  readonly poolSize: number;
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
  readonly logLevel: string;
  /** Folder for the services' logs. */
  readonly logsDir: string;
}

/** What was done to a host on purpose. */
export interface FaultsReport {
  readonly injected: number;
  readonly healed: number;
  /** By what they do (`dropReply`, `crash`, …). `struck`: messages, or once for each that was done to the host itself. */
  readonly byKind: Readonly<Record<string, Readonly<FaultTally>>>;
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
  spent(): SpentTime;
}

export interface RunningTarget {
  readonly mode: RunMode;
  readonly host: Host;
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
