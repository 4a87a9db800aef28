/** The CPUs of a capture on those of our host: by first appearance, and round again when our host has fewer. */
import type { KvmEvent } from "./event.js";
import type { Inferences } from "./inferences.js";

/** CPU number of the capture → CPU number of our host. */
export type CpuMapping = ReadonlyMap<number, number>;

export function mapCpus(events: readonly KvmEvent[], cpus: number, inferences: Inferences): CpuMapping {
  const mapping = new Map<number, number>();
  for (const { cpu } of events) {
    if (cpu !== undefined && !mapping.has(cpu)) mapping.set(cpu, mapping.size % cpus);
  }
  if (mapping.size === 0) inferences.note("the capture names no CPU: everything runs on CPU 0");
  if (mapping.size > cpus) {
    inferences.note(
      `the capture has ${mapping.size} CPUs and the host ${cpus}: some captured CPUs share one, and moves between those disappear`,
    );
  }
  return mapping;
}

/** `20→0, 21→1`. */
export function formatCpuMapping(mapping: CpuMapping): string {
  return [...mapping].map(([captured, host]) => `${captured}→${host}`).join(", ") || "none";
}
