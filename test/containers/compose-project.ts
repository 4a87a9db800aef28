/** The compose file of this repository, brought up under a name of its own, on ports that are free. */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { ROOT } from "./engine.js";

const TIMEOUT_MS = 180_000;

export class ComposeProject {
  readonly name: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(name: string, env: NodeJS.ProcessEnv = {}) {
    this.name = name;
    const ports = { L0_PORT: "0", TRACE_PORT: "0", NATS_PORT: "0", CHAOS_PORT: "0", PROMETHEUS_PORT: "0" };
    this.#env = { ...process.env, ...ports, ...env };
  }

  /** What it printed. Throws what it said when it fails, with the logs of all services. */
  run(...args: string[]): string {
    const { status, stdout, stderr } = this.try(...args);
    if (status === 0) return stdout;
    const { stdout: logs } = this.try("logs", "--no-color", "--tail", "40");
    throw new Error(`docker compose ${args.join(" ")}: exit code ${status}\n${stdout}\n${stderr}\n${logs}`);
  }

  try(...args: string[]): SpawnSyncReturns<string> {
    const command = ["compose", "--project-name", this.name, ...args];
    return spawnSync("docker", command, { cwd: ROOT, env: this.#env, encoding: "utf8", timeout: TIMEOUT_MS });
  }

  /** host:port on which a service's port is published. Another one after each start of its container. */
  address(service: string, port: number): string {
    return this.run("port", service, `${port}`).trim();
  }

  /** Runs a snippet of JavaScript inside a service's container: it has no shell. */
  evaluate(service: string, script: string): string {
    return this.run("exec", "-T", service, "node", "--input-type=module", "-e", script);
  }

  down(): void {
    this.run("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "10");
  }
}
