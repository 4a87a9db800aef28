/** One service as a child process. It is tied to us by its stdin and its IPC channel: when we die, however, it ends. */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, type WriteStream } from "node:fs";
import { InterruptedError, UnavailableError } from "../../errors.js";

/** A service that has not said that it is ready by then is given up. */
const READY_TIMEOUT_MS = 15_000;
/** A service that has not ended by then after SIGTERM gets SIGKILL. */
const STOP_TIMEOUT_MS = 8_000;
/** Of what a service wrote to stderr, shown when it fails. */
const STDERR_KEPT_CHARACTERS = 2_000;

export interface ChildOptions {
  /** For messages: `cpu2`. */
  readonly name: string;
  /** Program and arguments before the service's own. */
  readonly command: readonly [string, ...string[]];
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  /** Ends the wait for it. */
  readonly signal?: AbortSignal;
}

export class ServiceChild {
  readonly name: string;
  /** Where it answers; known when it is ready. */
  address = "";
  readonly #child: ChildProcess;
  readonly #log: WriteStream;
  readonly #ended: Promise<string>;
  #stderr = "";
  #stopping = false;
  #alive = true;

  private constructor({ name, command, args, env, logFile }: ChildOptions) {
    const [program, ...before] = command;
    this.name = name;
    this.#log = createWriteStream(logFile, { flags: "a" });
    // A session of its own: Ctrl-C in a terminal reaches us alone, and we stop the services in order.
    this.#child = spawn(program, [...before, ...args], { env, detached: true, stdio: ["pipe", "pipe", "pipe", "ipc"] });
    this.#child.stdout?.pipe(this.#log, { end: false });
    this.#child.stderr?.on("data", (chunk: Buffer) => this.#noteStderr(chunk));
    // Its stdin breaks when it ends; that it ended is noticed below.
    this.#child.stdin?.on("error", () => {});
    this.#ended = this.#watchEnd();
  }

  /** Starts a service and waits until it is ready. Throws UnavailableError when it does not come up, InterruptedError when it is not to. */
  static async start(options: ChildOptions): Promise<ServiceChild> {
    const child = new ServiceChild(options);
    try {
      child.address = await child.#ready(options.signal);
      return child;
    } catch (thrown) {
      await child.stop();
      throw thrown;
    }
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** How it ended, in words. */
  get ended(): Promise<string> {
    return this.#ended;
  }

  /** It was told to stop: its end is no surprise. */
  get isStopping(): boolean {
    return this.#stopping;
  }

  get isAlive(): boolean {
    return this.#alive;
  }

  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
    if (this.#alive) this.#child.kill(signal);
  }

  /** SIGTERM, and SIGKILL if that does not help. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#child.kill("SIGTERM");
    // One that stands still would not notice.
    this.#child.kill("SIGCONT");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  #ready(signal?: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", interrupt);
      };
      const interrupt = () => {
        done();
        reject(new InterruptedError(signal?.reason, "the host was starting"));
      };
      const timer = setTimeout(() => fail(`was not ready after ${READY_TIMEOUT_MS / 1_000} s`), READY_TIMEOUT_MS);
      signal?.addEventListener("abort", interrupt);
      const fail = (what: string) => {
        done();
        reject(new UnavailableError(`${this.name} ${what}${this.#stderr === "" ? "" : `:\n${this.#stderr.trim()}`}`));
      };
      this.#child.on("message", (message) => {
        const address = addressOf(message);
        if (address === undefined) return;
        done();
        resolve(address);
      });
      void this.#ended.then(fail);
      if (signal?.aborted === true) interrupt();
    });
  }

  #watchEnd(): Promise<string> {
    return new Promise((resolve) => {
      this.#child.once("error", (error) => {
        this.#alive = false;
        resolve(`could not be started: ${error.message}`);
      });
      this.#child.once("close", (code, signal) => {
        this.#alive = false;
        this.#log.end();
        resolve(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`);
      });
    });
  }

  #noteStderr(chunk: Buffer): void {
    this.#log.write(chunk);
    this.#stderr = (this.#stderr + chunk.toString("utf8")).slice(-STDERR_KEPT_CHARACTERS);
  }
}

/** The address in a service's message `{ ready: "127.0.0.1:40123" }`. */
function addressOf(message: unknown): string | undefined {
  if (typeof message !== "object" || message === null || !("ready" in message)) return undefined;
  return typeof message.ready === "string" ? message.ready : undefined;
}
