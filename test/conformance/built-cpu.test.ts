/** The built command: directed sequences on `vmcslab cpu` processes. */
import { afterAll, expect, test } from "vitest";
import { CpuClient } from "../../packages/runtime/src/index.js";
import { DEFAULT_CPU_MODEL } from "../../packages/vmx/src/index.js";
import { startVmcslab } from "../integration/cli-process.js";
import { grpcCpu } from "./executors/grpc.js";
import { replayInLanes } from "./executors/lanes.js";
import type { RemoteCpu } from "./executors/remote-machine.js";
import { readSequences, tally } from "./recordings.js";

const CPUS = 2;
/** The process has memory wherever it is addressed; the recorded machine has 64 MiB. */
const NEEDS_END_OF_MEMORY = "unbacked-physical-memory";

const stops: (() => void)[] = [];
afterAll(() => {
  for (const stop of stops) stop();
});

async function startProcess(cpu: number): Promise<RemoteCpu> {
  const child = startVmcslab(["cpu", "--id", String(cpu), "--listen", "127.0.0.1:0"]);
  const client = new CpuClient(await addressOf(child.stdout));
  stops.push(() => {
    client.close();
    child.kill("SIGTERM");
  });
  return grpcCpu(client);
}

/** The first line of its log that says where it listens. */
async function addressOf(log: AsyncIterable<unknown> | null): Promise<string> {
  let text = "";
  for await (const chunk of log ?? []) {
    text += String(chunk);
    const address = /"address":"([^"]+)"/.exec(text)?.[1];
    if (address !== undefined) return address;
  }
  throw new Error(`vmcslab cpu ended: ${text}`);
}

test("recorded on Bochs 2.7, vmcslab cpu processes: every defined outcome agrees", async () => {
  const cpus = await Promise.all(Array.from({ length: CPUS }, (_, cpu) => startProcess(cpu)));
  const sequences = readSequences("directed").filter(
    ({ model, featureControl, cpus: count, id }) =>
      model.name === DEFAULT_CPU_MODEL &&
      featureControl === undefined &&
      count <= CPUS &&
      !id.startsWith(NEEDS_END_OF_MEMORY),
  );
  const replays = await replayInLanes(1, sequences, async (_sequence, _lane, number) => {
    const cpu = cpus[number];
    if (cpu === undefined) throw new Error(`no CPU ${number}`);
    return cpu;
  });
  const { disagreements, compared } = tally(sequences, replays);
  expect(disagreements).toEqual([]);
  expect(compared).toBeGreaterThan(800);
});
