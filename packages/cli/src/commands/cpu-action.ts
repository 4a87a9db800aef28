import { UsageError } from "@vmcslab/lab/errors";
import { LIMITS } from "@vmcslab/runtime";
import { CPU_SAFEGUARDS, startCpu } from "@vmcslab/service-cpu";
import { drainOption } from "./drain-flag.js";
import { type EventsFlags, eventsBus } from "./events-flags.js";
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
import { withoutSafeguard } from "./without-safeguard.js";

export interface CpuFlags extends CommonFlags, EventsFlags {
  readonly id?: string;
  readonly l0?: string;
  readonly advertise?: string;
  readonly cpuModel?: string;
  readonly drain?: string;
}

function cpuNumber(text: string): number {
  const number = wholeNumber(text, "--id");
  if (number > LIMITS.cpu.max)
    throw new UsageError(`--id: CPUs are numbered from 0 to ${LIMITS.cpu.max}, not ${number}`);
  return number;
}

export async function cpuCommand(flags: CpuFlags): Promise<void> {
  const id = flagOrEnv(flags.id, "CPU_ID");
  if (id === undefined) throw new UsageError("which CPU is it? give --id, or CPU_ID");
  const l0Address = flagOrEnv(flags.l0, "L0_ADDR");
  const advertise = flagOrEnv(flags.advertise, "GRPC_ADVERTISE");
  const options = {
    cpu: cpuNumber(id),
    ...commonOptions(flags),
    ...(l0Address === undefined ? {} : { l0Address }),
    ...(advertise === undefined ? {} : { advertise }),
    ...modelNamed(flags.cpuModel),
    ...drainOption(flags.drain),
    bus: eventsBus(flags, busOptions(flags)),
    ...metricsOptions(flags),
    ...withoutSafeguard(CPU_SAFEGUARDS),
  };
  await serveUntilStopped(() => startCpu(options));
}
