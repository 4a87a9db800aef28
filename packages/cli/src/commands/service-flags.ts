/** Values of services' flags, from the flag or the environment. */
import { UsageError } from "@vmcslab/lab/errors";
import { didYouMean } from "@vmcslab/lab/text";
import type { BusOptions, MetricsOptions } from "@vmcslab/runtime";
import { CPU_MODELS } from "@vmcslab/vmx";
import { flagOrEnv } from "./flag-or-env.js";
import { natsOptions } from "./nats-flags.js";

/** Settings that services read from the environment, as containers are configured. */
export const SERVICE_ENVIRONMENT = {
  GRPC_LISTEN: "as --listen",
  NATS_URL: "as --nats",
  TRACE_ADDR: "as --trace",
  VMCSLAB_HOST: "as --host-name",
  VMCSLAB_LOG_LEVEL: "level of the log on stdout (default: info)",
} as const;

export interface CommonFlags {
  readonly listen?: string;
  readonly hostName?: string;
  readonly nats?: string;
  readonly trace?: string;
  readonly metrics?: string;
}

export function commonOptions(flags: CommonFlags): { listen?: string; host?: string } {
  const listen = flagOrEnv(flags.listen, "GRPC_LISTEN");
  const host = flagOrEnv(flags.hostName, "VMCSLAB_HOST");
  return { ...(listen === undefined ? {} : { listen }), ...(host === undefined ? {} : { host }) };
}

/** Where events go: NATS comes before a direct stream. */
export function busOptions(flags: CommonFlags): BusOptions {
  const traceAddress = flagOrEnv(flags.trace, "TRACE_ADDR");
  return { ...natsOptions(flags.nats, process.env), ...(traceAddress === undefined ? {} : { traceAddress }) };
}

/** Where metrics go: served, pushed, both or, if nothing is said, neither. */
export function metricsOptions(flags: { readonly metrics?: string }): { metrics: MetricsOptions } {
  const listen = flagOrEnv(flags.metrics, "METRICS_LISTEN");
  const isDisabled = process.env.OTEL_SDK_DISABLED === "true";
  const otlpEndpoint = isDisabled ? undefined : flagOrEnv(undefined, "OTEL_EXPORTER_OTLP_ENDPOINT");
  const interval = flagOrEnv(undefined, "OTEL_METRIC_EXPORT_INTERVAL");
  return {
    metrics: {
      ...(listen === undefined ? {} : { listen }),
      ...(otlpEndpoint === undefined ? {} : { otlpEndpoint }),
      ...(interval === undefined ? {} : { otlpIntervalMs: wholeNumber(interval, "OTEL_METRIC_EXPORT_INTERVAL") }),
    },
  };
}

export function wholeNumber(text: string, flag: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`${flag}: "${text}" is not a whole number`);
  return Number(text);
}

/** The name of a CPU model that there is. */
export function modelNamed(name: string | undefined): { model?: string } {
  if (name === undefined) return {};
  if (!Object.hasOwn(CPU_MODELS, name)) {
    throw new UsageError(`no CPU model "${name}"${didYouMean(name, Object.keys(CPU_MODELS))}`);
  }
  return { model: name };
}
