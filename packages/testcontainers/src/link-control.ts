import { type LinkFaults, NO_FAULTS } from "@vmcslab/runtime";

const TIMEOUT_MS = 5000;

/** What `slowCpu` adds to everything between L0 and a CPU, in each direction. */
export interface LinkDelay {
  readonly latencyMs: number;
  /** On top, drawn evenly from 0 to this. */
  readonly jitterMs?: number;
}

/** Sets what is wrong with the links between L0 and its CPUs, which pass through a proxy. `address`: host:port of its control. */
export async function setLinkFaults(address: string, cpu: number, faults: Partial<LinkFaults>): Promise<void> {
  const answer = await fetch(`http://${address}/links/cpu${cpu}`, {
    method: "PUT",
    body: JSON.stringify({ ...NO_FAULTS, ...faults }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!answer.ok) throw new Error(`the proxy answered ${answer.status}: ${await answer.text()}`);
}
