/**
 * `latencies.json` of a run's folder: every distribution that was measured, whole, so that reports need not make do with a few percentiles.
 *
 * Names of histograms: `operations.<name>`, at the caller; `load.service` and `load.response`, of a unit of load; `crossCpuClear`, the whole of a cross-CPU clear in L0;
 * `crossCpuClear.<phase>`; `crossCpuClear.pair.<from>-<to>`, by the CPU that the caller was on and the one that held the VMCS.
 */

export const LATENCY_FILE = "latencies.json";
export const LATENCY_SCHEMA = "vmcslab.latencies/v1";

export interface LatencyFile {
  readonly schema: typeof LATENCY_SCHEMA;
  /** Nanoseconds of one unit of the histograms. */
  readonly unitNs: number;
  /** Microseconds since 1970 when the workload began; every `atMs` counts from there. Of a simulated run both are virtual. */
  readonly startWallUs: number;
  readonly durationMs: number;
  /** By name: HdrHistogram, V2 compressed, base64. */
  readonly histograms: Readonly<Record<string, string>>;
  readonly series: LatencySeries;
  readonly faults: readonly FaultBand[];
}

/** Latency over time. Of each name, intervals in which something ended. */
export interface LatencySeries {
  readonly intervalMs: number;
  readonly points: Readonly<Record<string, readonly SeriesPoint[]>>;
}

/** What ended in the interval that begins at `atMs`. */
export interface SeriesPoint {
  readonly atMs: number;
  readonly count: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

/** When a fault acted. `toMs` absent: until the end. */
export interface FaultBand {
  readonly name: string;
  /** What it does, by its name in docs/faults.md. */
  readonly action: string;
  readonly cpu?: number;
  readonly fromMs: number;
  readonly toMs?: number;
}
