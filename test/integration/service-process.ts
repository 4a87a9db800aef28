/** Services as processes of their own, behind the built command, to be stopped and killed. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { systemClock } from "@vmcslab/runtime";
import { ROOT } from "./cli-process.js";

const BIN = join(ROOT, "packages/cli/bin/vmcslab.js");

export interface ServiceProcess {
  readonly process: ChildProcess;
  readonly address: string;
  /** Its exit code, and how long it took since the signal. */
  readonly end: (signal: "SIGTERM" | "SIGINT") => Promise<{ exitCode: number | null; ms: number }>;
  /** SIGKILL; ends when it is gone. */
  readonly kill: () => Promise<void>;
}

/** Starts `vmcslab` with these arguments and waits until it is ready. */
export async function startService(args: readonly string[]): Promise<ServiceProcess> {
  const child = fork(BIN, args, {
    cwd: ROOT,
    env: { ...process.env, NATS_URL: "", VMCSLAB_LOG_LEVEL: "silent" },
    execArgv: [],
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  const address = await new Promise<string>((resolve, reject) => {
    child.once("message", (message: { ready: string }) => resolve(message.ready));
    void ended.then((code) => reject(new Error(`vmcslab ${args.join(" ")} ended with ${code}`)));
  });
  return {
    process: child,
    address,
    async end(signal) {
      const startNs = systemClock.monoNs();
      child.kill(signal);
      const exitCode = await ended;
      return { exitCode, ms: (systemClock.monoNs() - startNs) / 1e6 };
    },
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
