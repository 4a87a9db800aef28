/** The services of an embedded host as processes that may be killed, stopped and started again. */
import { systemClock } from "@vmcslab/runtime";
import type { DeathExpectation, HostProcesses } from "../../faults/processes.js";
import { startGuard } from "../guard.js";
import type { ServiceChild } from "./child.js";

/** Starts a service that listens there. */
export type StartService = (name: string, listen: string) => Promise<ServiceChild>;

/** A free port of the loopback interface. */
const FREE_PORT = "127.0.0.1:0";
/** Somebody may have got the port for a moment, for a connection of his own. */
const RESTART_ATTEMPTS = 5;
const RESTART_PAUSE_MS = 200;

export class EmbeddedProcesses implements HostProcesses {
  /** Ends, with a sentence, when a process ends that nobody killed or stopped. */
  readonly broken: Promise<string>;
  readonly #start: StartService;
  readonly #children = new Map<string, ServiceChild>();
  /** Deaths that are no accident, and who is told. */
  readonly #expected = new Map<string, () => void>();
  readonly #restarting = new Map<string, Promise<void>>();
  #tellBroken: (how: string) => void = () => undefined;
  #stopping = false;

  constructor(start: StartService) {
    this.#start = start;
    this.broken = new Promise((resolve) => {
      this.#tellBroken = resolve;
    });
  }

  async start(name: string, listen = FREE_PORT): Promise<ServiceChild> {
    const child = await this.#start(name, listen);
    this.#children.set(name, child);
    if (this.#stopping) await child.stop();
    void child.ended.then((how) => this.#ended(name, child, how));
    return child;
  }

  /** Those that were started, also if they are dead now. */
  get all(): readonly ServiceChild[] {
    return [...this.#children.values()];
  }

  async kill(name: string): Promise<void> {
    // One that is starting is killed when it is up: before, there is nothing to lose.
    await this.#restarting.get(name)?.catch(() => undefined);
    const child = this.#of(name);
    if (!child.isAlive) return;
    this.#expected.set(name, () => undefined);
    child.signal("SIGKILL");
    await child.ended;
  }

  async restart(name: string): Promise<void> {
    const restarting = this.#startAgain(name);
    this.#restarting.set(name, restarting);
    await restarting.finally(() => {
      if (this.#restarting.get(name) === restarting) this.#restarting.delete(name);
    });
  }

  async #startAgain(name: string): Promise<void> {
    const child = this.#of(name);
    if (child.isAlive || this.#stopping) return;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.start(name, child.address);
        return;
      } catch (thrown) {
        if (attempt === RESTART_ATTEMPTS || this.#stopping) throw thrown;
      }
      await systemClock.sleep(RESTART_PAUSE_MS);
    }
  }

  stall(name: string, forNs: number): () => Promise<void> {
    const child = this.#of(name);
    const { pid } = child;
    if (pid === undefined || !child.isAlive) return () => Promise.resolve();
    // It goes on by itself: whoever stopped it may be gone.
    const guard = startGuard(forNs, 'kill -CONT "$1"', [`${pid}`]);
    guard.ready.catch(() => child.signal("SIGCONT"));
    child.signal("SIGSTOP");
    return () => {
      child.signal("SIGCONT");
      guard.cancel();
      return Promise.resolve();
    };
  }

  expectDeath(name: string, _forNs: number, died: () => void): DeathExpectation {
    this.#expected.set(name, died);
    return {
      ready: Promise.resolve(),
      end: () => {
        if (this.#expected.get(name) === died) this.#expected.delete(name);
        return Promise.resolve();
      },
    };
  }

  /** CPUs, then L0, then trace: whoever is told something outlives who tells it. */
  async stopAll(): Promise<void> {
    this.#stopping = true;
    const isCpu = ({ name }: ServiceChild) => name.startsWith("cpu");
    await Promise.all(this.all.filter(isCpu).map((child) => child.stop()));
    for (const child of this.all.filter((other) => !isCpu(other)).toReversed()) await child.stop();
  }

  #of(name: string): ServiceChild {
    const child = this.#children.get(name);
    if (child === undefined) throw new Error(`there is no service ${name}`);
    return child;
  }

  #ended(name: string, child: ServiceChild, how: string): void {
    if (child.isStopping || this.#stopping) return;
    const died = this.#expected.get(name);
    if (died === undefined) {
      this.#tellBroken(`${name} ${how}`);
      return;
    }
    this.#expected.delete(name);
    died();
  }
}
