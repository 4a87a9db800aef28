/** Starts the built command, and looks at processes by their numbers. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BIN = fileURLToPath(new URL("../../packages/cli/bin/vmcslab.js", import.meta.url));

export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `vmcslab` with these arguments to its end, or interrupts it after so long. */
export function vmcslab(
  args: readonly string[],
  {
    input = "",
    env = {},
    interruptAfterMs,
  }: { input?: string; env?: NodeJS.ProcessEnv; interruptAfterMs?: number } = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd: ROOT, env: { ...process.env, NATS_URL: "", ...env }, maxBuffer: 64 * 1024 * 1024 };
    const interrupt =
      interruptAfterMs === undefined ? undefined : setTimeout(() => child.kill("SIGINT"), interruptAfterMs);
    const child = execFile(process.execPath, [BIN, ...args], options, (error, stdout, stderr) => {
      clearTimeout(interrupt);
      const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ exitCode, stdout, stderr });
    });
    child.stdin?.end(input);
  });
}

/** Starts `vmcslab` and leaves it running. */
export function startVmcslab(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [BIN, ...args], {
    cwd: ROOT,
    env: { ...process.env, NATS_URL: "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Processes whose parent is `pid` (Linux). */
export function childrenOf(pid: number): number[] {
  const numbers = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return numbers.filter((candidate) => parentOf(candidate) === pid);
}

function parentOf(pid: number): number | undefined {
  try {
    // The command, in brackets, may hold anything; state and parent follow its last bracket.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    // It ended while we looked.
    return undefined;
  }
}

/** A process that is there and is not a zombie. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2)[0] !== "Z";
  } catch {
    return false;
  }
}

/** Waits until `condition` holds, at most `timeoutMs`. Says whether it does. */
export async function eventually(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  for (const end = Date.now() + timeoutMs; Date.now() < end; ) {
    if (condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return condition();
}
