import { type Credentials, cpuName, flushEvents, type l0Wire, type Publisher, positionToWire } from "@vmcslab/runtime";
import type { CpuRegistry } from "./cpu-registry.js";

/** Has every CPU that can be reached, and then L0, publish what they buffer. */
export async function flushHost(
  cpus: CpuRegistry,
  publisher: Publisher,
  credentials: Credentials,
): Promise<l0Wire.FlushHostResponse> {
  const answers = await Promise.all(
    cpus.list().map(async ({ cpu, address }) => ({
      name: `cpu${cpu}`,
      answer: await flushEvents(address, credentials, cpuName(cpu)),
    })),
  );
  const positions = answers.flatMap(({ answer }) => (answer.ok ? [positionToWire(answer.value)] : []));
  const silent = answers.flatMap(({ name, answer }) => (answer.ok ? [] : [name]));
  return { positions: [...positions, await publisher.flush()], silent };
}
