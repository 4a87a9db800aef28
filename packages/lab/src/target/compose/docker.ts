/** The docker command line: what it answers, in words for whoever has to do something about it. */
import { spawn } from "node:child_process";
import { systemErrorCode, UnavailableError } from "../../errors.js";

const TIMEOUT_MS = 30_000;

/** Runs `docker` with these arguments; what it printed. Throws UnavailableError with what it said when it fails. */
export async function docker(args: readonly string[]): Promise<string> {
  return await command("docker", args);
}

/** As {@link docker}, for any command. */
export async function command(program: string, args: readonly string[]): Promise<string> {
  // A session of its own: Ctrl-C ends the run in order, and what it is just doing to a container with it.
  const child = spawn(program, [...args], { detached: true, stdio: ["ignore", "pipe", "pipe"], timeout: TIMEOUT_MS });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString("utf8");
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString("utf8");
  });
  const failure = await new Promise<string | undefined>((resolve) => {
    child.once("error", (error) =>
      resolve(
        systemErrorCode(error) === "ENOENT" ? "there is no such command here; without it: --attach" : error.message,
      ),
    );
    child.once("close", (code, signal) =>
      resolve(code === 0 ? undefined : stderr.trim() || `ended by ${signal ?? `exit code ${code}`}`),
    );
  });
  if (failure === undefined) return stdout;
  throw new UnavailableError(`${program} ${args[0] ?? ""}: ${failure}`);
}
