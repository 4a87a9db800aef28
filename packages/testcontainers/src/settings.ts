/** What a killed L0 goes on from. `nats`: a journal in JetStream. `none`: nothing; it begins with no vcpus. */
export type HostJournal = "nats" | "none";

/** What a host is made of. */
export interface HostSettings {
  readonly image: string;
  readonly natsImage: string;
  readonly cpus: number;
  readonly poolSize: number;
  readonly cpuModel: string | undefined;
  readonly journal: HostJournal;
  /** In events and NATS subjects. */
  readonly hostName: string;
  readonly logLevel: string;
  readonly startupTimeoutMs: number;
}

export const DEFAULT_SETTINGS: HostSettings = {
  image: process.env.VMCSLAB_IMAGE ?? "vmcslab:0.1.0",
  natsImage: process.env.NATS_IMAGE ?? "nats:2.10-alpine",
  cpus: 2,
  poolSize: 1,
  cpuModel: undefined,
  journal: "nats",
  hostName: "host",
  logLevel: "info",
  startupTimeoutMs: 60_000,
};

/** Ports inside the containers. A CPU's is its own, so that one proxy can tell the CPUs apart. */
export const PORTS = { nats: 4222, l0: 7000, trace: 7200, proxyControl: 8474, firstCpu: 7100 } as const;

export function cpuPort(cpu: number): number {
  return PORTS.firstCpu + cpu;
}
