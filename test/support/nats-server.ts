import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";

/** Why tests that need a NATS server cannot run here, to stand in their names; empty when they can. */
export const missingNats =
  spawnSync("nats-server", ["--version"]).status === 0 ? "" : " (skipped: no nats-server on the PATH)";

/** A port of the loopback that nobody listened on a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === "string") reject(new Error("no port"));
        else resolve(address.port);
      });
    });
  });
}

/** On the loopback; with `storeDir` its streams are kept there (JetStream). Whoever starts it stops it. */
export function startNats(port: number, storeDir?: string): ChildProcess {
  const stream = storeDir === undefined ? [] : ["-js", "-sd", storeDir];
  return spawn("nats-server", ["-a", "127.0.0.1", "-p", String(port), ...stream], { stdio: "ignore" });
}

/** Kills it, and waits until it is gone. */
export async function stopNats(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  server.kill("SIGKILL");
  await ended;
}
