import { UsageError } from "@vmcslab/lab/errors";
import { cpuName, LIMITS } from "@vmcslab/runtime";
import { CPU_SAFEGUARDS, startCpu } from "@vmcslab/service-cpu";
import { type ServiceCredentialFlags, serviceCredentials } from "./credential-flags.js";
import { drainOption } from "./drain-flag.js";
import { type EventsFlags, eventsBus } from "./events-flags.js";
import { flagOrEnv } from "./flag-or-env.js";
import { serveUntilStopped } from "./service.js";
import {
  busOptions,
  type CommonFlags,
  commonOptions,
  metricsOptions,
  modelNamed,
  wholeNumber,
} from "./service-flags.js";
import { withoutSafeguard } from "./without-safeguard.js";

export interface CpuFlags extends CommonFlags, EventsFlags, ServiceCredentialFlags {
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
  const cpu = cpuNumber(id);
  const options = {
    cpu,
    ...commonOptions(flags),
    ...(l0Address === undefined ? {} : { l0Address }),
    ...(advertise === undefined ? {} : { advertise }),
    ...modelNamed(flags.cpuModel),
    ...drainOption(flags.drain),
    ...serviceCredentials(flags, cpuName(cpu)),
    bus: eventsBus(flags, busOptions(flags)),
    ...metricsOptions(flags),
    ...withoutSafeguard(CPU_SAFEGUARDS),
  };
  await serveUntilStopped(() => startCpu(options));
}
