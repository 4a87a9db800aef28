/** What a CPU holds when another life of L0 takes it over. */
export interface CpuReport {
  /** Undefined: it is not in VMX operation. */
  readonly vmxonRegion: number | undefined;
  /** Active VMCSs that L0 loaded here. */
  readonly held: readonly HeldVmcs[];
}

export interface HeldVmcs {
  readonly region: number;
  readonly epoch: number;
  readonly launched: boolean;
  /** The operation whose batch activated it. */
  readonly activatedBy: number;
  /** The last operation whose batch changed its contents or entered its guest. */
  readonly changedBy: number;
}
