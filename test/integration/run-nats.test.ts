import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort, missingNats, startNats } from "../support/nats-server.js";
import { vmcslab } from "./cli-process.js";

let runs = "";
let nats: ChildProcess | undefined;
let url = "";

describe.skipIf(missingNats !== "")(`a run over NATS, needs nats${missingNats}`, () => {
  beforeAll(async () => {
    runs = mkdtempSync(join(tmpdir(), "vmcslab-nats-"));
    const port = await freePort();
    url = `nats://127.0.0.1:${port}`;
    nats = startNats(port);
  });
  afterAll(() => {
    nats?.kill();
    rmSync(runs, { recursive: true, force: true });
  });

  it.each([
    ["--nats", (server: string) => ({ args: ["--nats", server], env: {} })],
    ["NATS_URL", (server: string) => ({ args: [], env: { NATS_URL: server } })],
  ] as const)("%s: valid, nothing lost (repeat=20)", async (_, where) => {
    const { args, env } = where(url);
    const run = [
      "run",
      "experiments/kvm-capture.yaml",
      "--json",
      "-q",
      "--runs-dir",
      runs,
      "--set",
      "workload.repeat=20",
    ];
    const { exitCode, stdout, stderr } = await vmcslab([...run, ...args], { env });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const { verdict, events } = JSON.parse(stdout);
    expect({ verdict, lost: events.lost }).toEqual({ verdict: "valid", lost: 0 });
    expect(events.stored).toBeGreaterThan(1_000);
  });
});
