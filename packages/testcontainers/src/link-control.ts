import { askHttp, type Credentials, type LinkFaults, NO_FAULTS } from "@vmcslab/runtime";

const TIMEOUT_MS = 5000;

/** What `slowCpu` adds to everything between L0 and a CPU, in each direction. */
export interface LinkDelay {
  readonly latencyMs: number;
  /** On top, drawn evenly from 0 to this. */
  readonly jitterMs?: number;
}

/** Sets what is wrong with the links between L0 and its CPUs, which pass through a proxy. `address`: host:port of its control. */
export async function setLinkFaults(
  address: string,
  credentials: Credentials,
  cpu: number,
  faults: Partial<LinkFaults>,
): Promise<void> {
  const { status, body } = await askHttp(`https://${address}/links/cpu${cpu}`, credentials, {
    method: "PUT",
    body: JSON.stringify({ ...NO_FAULTS, ...faults }),
    timeoutMs: TIMEOUT_MS,
  });
  if (status !== 200) throw new Error(`the proxy answered ${status}: ${body}`);
}
