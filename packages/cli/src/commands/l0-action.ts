import { UsageError } from "@vmcslab/lab/errors";
import { type BusOptions, JOURNAL_SPECS, type JournalSpec, parseJournalSpec } from "@vmcslab/runtime";
import { L0_SAFEGUARDS, startL0 } from "@vmcslab/service-l0";
import { type ServiceCredentialFlags, serviceCredentials } from "./credential-flags.js";
import { type DesignFlags, designOptions } from "./design-flags.js";
import { type EventsFlags, eventsBus } from "./events-flags.js";
import { flagOrEnv } from "./flag-or-env.js";
import { lostCpuOptions } from "./lost-cpu-flags.js";
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

export interface L0Flags extends CommonFlags, DesignFlags, EventsFlags, ServiceCredentialFlags {
  readonly poolSize?: string;
  readonly cpuModel?: string;
  readonly lostCpu?: string;
  readonly lease?: string;
  readonly journal?: string;
}

export async function l0Command(flags: L0Flags): Promise<void> {
  const poolSize = flagOrEnv(flags.poolSize, "POOL_SIZE");
  const bus = busOptions(flags);
  const options = {
    ...commonOptions(flags),
    ...(poolSize === undefined ? {} : { poolSize: wholeNumber(poolSize, "--pool-size") }),
    ...modelNamed(flags.cpuModel),
    ...designOptions(flags),
    ...lostCpuOptions(flags),
    ...serviceCredentials(flags, "l0"),
    ...journalOptions(flags, bus),
    bus: eventsBus(flags, bus),
    ...metricsOptions(flags),
    ...withoutSafeguard(L0_SAFEGUARDS),
  };
  await serveUntilStopped(() => startL0(options));
}

function journalOptions(flags: L0Flags, bus: BusOptions): { journal?: JournalSpec } {
  const text = flagOrEnv(flags.journal, "JOURNAL");
  if (text === undefined) return {};
  const journal = parseJournalSpec(text);
  if (journal === undefined) throw new UsageError(`--journal: "${text}" is none of ${JOURNAL_SPECS}`);
  if (journal.kind === "nats" && bus.natsUrl === undefined)
    throw new UsageError("--journal nats keeps the journal at a NATS server: give --nats as well");
  return { journal };
}
