/** `vmcslab faults inject|list|clear`: faults of a host that runs. */

import { UnavailableError, UsageError } from "@vmcslab/lab/errors";
import { parseFault } from "@vmcslab/lab/experiment";
import type { Answer } from "@vmcslab/nested";
import { FaultClient, type FaultStatus } from "@vmcslab/runtime";
import { hasColour } from "../output/terminal.js";
import { Palette } from "../report/palette.js";
import { renderTable } from "../report/table.js";
import { clientCredentials } from "./client-credentials.js";
import type { FaultsLiveFlags } from "./faults.js";
import { flagOrEnv } from "./flag-or-env.js";

/** L0's published port in docker-compose.yml. */
const COMPOSE_L0 = "127.0.0.1:17000";

export async function injectCommand(
  words: readonly string[],
  flags: FaultsLiveFlags & { readonly seed?: string },
): Promise<string> {
  const fault = await parseFault(words);
  if (fault.repeat !== undefined)
    throw new UsageError("repeat: whoever injects once does not repeat; write it into an experiment (vmcslab run)");
  if ("cpu" in fault.action && fault.action.cpu === "any")
    throw new UsageError("cpu: any CPU is drawn by an experiment (vmcslab run); name one");
  const injected = await ask(flags, (client) =>
    client.inject(fault, flags.seed === undefined ? {} : { seed: flags.seed }),
  );
  return print("injected", [injected], flags);
}

export async function listCommand(flags: FaultsLiveFlags): Promise<string> {
  return print("faults", await ask(flags, (client) => client.list()), flags);
}

export async function clearCommand(names: readonly string[], flags: FaultsLiveFlags): Promise<string> {
  return print("cleared", await ask(flags, (client) => client.clear(names)), flags);
}

async function ask<T>(flags: FaultsLiveFlags, call: (client: FaultClient) => Promise<Answer<T>>): Promise<T> {
  const target = flagOrEnv(flags.address, "VMCSLAB_ATTACH") ?? COMPOSE_L0;
  if (!/^\S+:\d{1,5}$/.test(target)) throw new UsageError(`--address: "${target}" is not host:port`);
  const client = new FaultClient(target, clientCredentials(flags));
  try {
    const answer = await call(client);
    if (answer.ok) return answer.value;
    const { code, message } = answer.error;
    if (code === "invalidArgument" || code === "failedPrecondition" || code === "notFound")
      throw new UsageError(message);
    throw new UnavailableError(`${target} does not take faults: ${message}`);
  } finally {
    client.close();
  }
}

function print(key: "injected" | "faults" | "cleared", faults: readonly FaultStatus[], flags: FaultsLiveFlags): string {
  if (flags.json === true) return `${JSON.stringify({ schema: "vmcslab.faults/v1", [key]: faults })}\n`;
  if (faults.length === 0) return `${key === "cleared" ? "there was nothing to clear" : "no faults"}\n`;
  const palette = new Palette(hasColour(process.stdout, process.env));
  const rows = faults.map(({ name, kind, where, state, remainingMs, strikes }) => [
    name,
    kind,
    where,
    state,
    state === "acting" ? `${(remainingMs / 1000).toFixed(1)} s` : "",
    `${strikes}`,
  ]);
  const notes = faults.flatMap(({ name, notes: said }) => said.map((note) => `${name}: ${note}\n`));
  return `${renderTable(["fault", "kind", "at", "state", "ends in", "struck"], rows, palette)}\n${notes.join("")}`;
}
