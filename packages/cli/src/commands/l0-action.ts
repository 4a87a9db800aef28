import { startL0 } from "@vmcslab/service-l0";
import { serveUntilStopped } from "./service.js";
import {
  busOptions,
  type CommonFlags,
  commonOptions,
  flagOrEnv,
  metricsOptions,
  modelNamed,
  wholeNumber,
} from "./service-flags.js";

export interface L0Flags extends CommonFlags {
  readonly poolSize?: string;
  readonly cpuModel?: string;
}

export async function l0Command(flags: L0Flags): Promise<void> {
  const poolSize = flagOrEnv(flags.poolSize, "POOL_SIZE");
  const options = {
    ...commonOptions(flags),
    ...(poolSize === undefined ? {} : { poolSize: wholeNumber(poolSize, "--pool-size") }),
    ...modelNamed(flags.cpuModel),
    bus: busOptions(flags),
    ...metricsOptions(flags),
  };
  await serveUntilStopped(() => startL0(options));
}
