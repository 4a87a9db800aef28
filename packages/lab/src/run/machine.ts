/** The machine that measured: without it a latency is a number. */
import { arch, cpus, loadavg, platform, release, totalmem } from "node:os";

export interface MachineFacts {
  readonly cpuModel: string;
  /** CPUs that the process may see. */
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly platform: string;
  /** Of the operating system's kernel. */
  readonly release: string;
  readonly node: string;
  /** Load average of the last minute when the run began; 0 where the system has none. */
  readonly load1: number;
}

export function machineFacts(): MachineFacts {
  const all = cpus();
  return {
    cpuModel: all[0]?.model ?? "unknown",
    cpus: all.length,
    memoryMiB: Math.round(totalmem() / 1024 ** 2),
    platform: `${platform()} ${arch()}`,
    release: release(),
    node: process.version,
    load1: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}
