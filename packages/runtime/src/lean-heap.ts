import { setFlagsFromString } from "node:v8";

/**
 * Keeps a service's process small: V8 then collects young garbage early instead of growing to tens of megabytes first. Measured on CPUs between which a vcpu moves: 105 MB
 * resident without, 89 MB with, at the same rate. V8's --optimize-for-size saves 9 MB more, and costs too much: a clear takes half as long again, and its p99 four times as long, because old garbage
 * is collected all the time. For processes that are one service: call it before the service starts.
 */
export function useLeanHeap(): void {
  setFlagsFromString("--max-semi-space-size=4");
}
