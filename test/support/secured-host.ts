/** Services as processes of their own, with certificates that were made for them, their logs kept. */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Credentials, readClientCredentials, readServiceCredentials } from "@vmcslab/runtime";
import { ROOT, vmcslab } from "../integration/cli-process.js";

const BIN = join(ROOT, "packages/cli/bin/vmcslab.js");

export interface SecuredProcess {
  readonly process: ChildProcess;
  readonly address: string;
}

export class SecuredHost {
  readonly directory = mkdtempSync(join(tmpdir(), "vmcslab-secured-"));
  readonly #children: ChildProcess[] = [];
  #logs = "";

  /** Makes the certificates. */
  static async make(cpus: number): Promise<SecuredHost> {
    const host = new SecuredHost();
    const { exitCode, stderr } = await vmcslab(["certs", join(host.directory, "tls"), "--cpus", `${cpus}`]);
    if (exitCode !== 0) throw new Error(stderr);
    return host;
  }

  tls(name: string): string {
    return join(this.directory, "tls", name);
  }

  /** A service's own credentials. */
  service(name: string): Credentials {
    return readServiceCredentials({ directory: this.tls(name) });
  }

  /** A person with the token. */
  get person(): Credentials {
    return readClientCredentials({ directory: this.tls("client") });
  }

  /** What all of them wrote to stdout and stderr. */
  get logs(): string {
    return this.#logs;
  }

  /** `vmcslab …args --tls-dir` of `name`; ends when it is ready. */
  start(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<SecuredProcess> {
    return this.startOpen([...args, "--tls-dir", this.tls(name)], env);
  }

  /** Without credentials, unless `env` or `args` give some. */
  startOpen(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<SecuredProcess> {
    const child = fork(BIN, args, {
      cwd: ROOT,
      env: { ...process.env, NATS_URL: "", VMCSLAB_LOG_LEVEL: "trace", ...env },
      execArgv: [],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.#children.push(child);
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => {
        this.#logs += chunk.toString("utf8");
      });
    return new Promise((resolve, reject) => {
      child.once("message", (message: { ready: string }) => resolve({ process: child, address: message.ready }));
      child.once("exit", (code) => reject(new Error(`${args.join(" ")} ended with ${code}\n${this.#logs}`)));
    });
  }

  async stop(): Promise<void> {
    const gone = this.#children
      .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
      .map((child) => new Promise((resolve) => child.once("exit", resolve)));
    for (const child of this.#children) child.kill("SIGKILL");
    await Promise.all(gone);
    rmSync(this.directory, { recursive: true, force: true });
  }
}
