/** The services of a host in containers, as processes that may be killed, stopped and cut off. */
import { type ChildProcess, spawn } from "node:child_process";
import { errorMessage } from "../../errors.js";
import type { DeathExpectation, HostProcesses } from "../../faults/processes.js";
import { type Guard, startGuard } from "../guard.js";
import type { Container } from "./containers.js";
import { docker } from "./docker.js";
import { cutOff } from "./packet-filter.js";

/** What docker says when there is nothing to be done. */
const NOTHING_TO_DO = /is not paused|is not running/;

export interface ComposeProcessesOptions {
  readonly containers: ReadonlyMap<string, Container>;
  /** Packets of CPUs can be filtered from here. */
  readonly canCut: boolean;
  /** Ends when a service that was started again can be used, or is not in time. */
  readonly up: (name: string) => Promise<void>;
  /** Says what went wrong and changes nothing. */
  readonly note: (text: string) => void;
}

export class ComposeProcesses implements HostProcesses {
  readonly cut: ((name: string, forNs: number) => () => Promise<void>) | undefined;
  readonly #options: ComposeProcessesOptions;
  /** What is done to a container is done in order. */
  readonly #queues = new Map<string, Promise<unknown>>();
  /** Of containers that are dead: what starts them when we are gone. */
  readonly #guards = new Map<string, Guard[]>();
  /** Cuts that act: a container that starts again has another namespace, and is cut off again. */
  readonly #cuts = new Set<{ readonly name: string; apply(): Promise<void> }>();

  constructor(options: ComposeProcessesOptions) {
    this.#options = options;
    this.cut = options.canCut ? (name, forNs) => this.#cut(name, forNs) : undefined;
  }

  kill(name: string, forNs: number): Promise<void> {
    return this.#inOrder(name, async (container) => {
      const { id } = container;
      await this.#startsWithoutUs(container, forNs);
      // One that stands still would die when it goes on.
      await docker(["unpause", id]).catch(unlessNothingToDo);
      await docker(["kill", "--signal", "KILL", id]).catch(unlessNothingToDo);
      await docker(["wait", id]);
    });
  }

  async restart(name: string): Promise<void> {
    await this.#inOrder(name, async ({ id }) => {
      await docker(["start", id]);
      for (const guard of this.#guards.get(name) ?? []) guard.cancel();
      this.#guards.delete(name);
      for (const cut of this.#cuts) if (cut.name === name) await cut.apply();
    });
    await this.#options.up(name);
  }

  stall(name: string, forNs: number): () => Promise<void> {
    let cancel = (): void => undefined;
    const stalled = this.#inOrder(name, async ({ id }) => {
      const guard = startGuard(forNs, 'docker unpause "$1"', [id]);
      await guard.ready;
      cancel = guard.cancel;
      await docker(["pause", id]);
    });
    stalled.catch((error: unknown) => this.#options.note(errorMessage(error)));
    return () =>
      this.#inOrder(name, async ({ id }) => {
        await docker(["unpause", id]).catch(unlessNothingToDo);
        cancel();
      });
  }

  expectDeath(name: string, forNs: number, died: () => void): DeathExpectation {
    let watch: ChildProcess | undefined;
    let isTold = false;
    let guard: Guard | undefined;
    const tell = (): void => {
      if (!isTold) died();
      isTold = true;
    };
    const ready = this.#inOrder(name, async (container) => {
      const { id } = container;
      // It may die as late as the fault ends, and be away for as long again.
      guard = await this.#revivingGuard(container, 2 * forNs);
      await docker(["update", "--restart", "no", id]);
      watch = spawn("docker", ["wait", id], { detached: true, stdio: "ignore" });
      watch.once("exit", (code) => {
        if (code === 0) tell();
      });
      watch.once("error", (error) => this.#options.note(error.message));
    });
    const end = async ({ id, restartPolicy }: Container): Promise<void> => {
      watch?.kill();
      await docker(["update", "--restart", restartPolicy, id]);
      if ((await docker(["inspect", "--format", "{{.State.Running}}", id])).trim() === "true") guard?.cancel();
      else {
        if (guard !== undefined) this.#keep(name, guard);
        tell();
      }
    };
    return { ready, end: () => this.#inOrder(name, end) };
  }

  /** It is started again when its time is over, should we be gone. */
  async #startsWithoutUs(container: Container, forNs: number): Promise<void> {
    this.#keep(container.name, await this.#revivingGuard(container, forNs));
  }

  async #revivingGuard({ id, restartPolicy }: Container, forNs: number): Promise<Guard> {
    const revive = 'docker update --restart "$2" "$1"; docker start "$1"';
    const guard = startGuard(forNs, revive, [id, restartPolicy]);
    await guard.ready;
    return guard;
  }

  #keep(name: string, guard: Guard): void {
    this.#guards.set(name, [...(this.#guards.get(name) ?? []), guard]);
  }

  #cut(name: string, forNs: number): () => Promise<void> {
    let heal: () => Promise<void> = () => Promise.resolve();
    const container = this.#of(name);
    const apply = async (): Promise<void> => {
      const cut = await cutOff(container, forNs);
      heal = async () => {
        await cut.heal().finally(cut.cancelGuard);
      };
    };
    const active = { name, apply };
    this.#cuts.add(active);
    const done = this.#inOrder(name, apply);
    done.catch((error: unknown) => this.#options.note(`${name} could not be cut off: ${errorMessage(error)}`));
    return () => {
      this.#cuts.delete(active);
      // A namespace that is gone has no rules.
      return this.#inOrder(name, () => heal().catch(() => undefined));
    };
  }

  #inOrder(name: string, work: (container: Container) => Promise<void>): Promise<void> {
    const container = this.#of(name);
    const before = this.#queues.get(name) ?? Promise.resolve();
    const done = before.catch(() => undefined).then(() => work(container));
    this.#queues.set(name, done);
    return done;
  }

  #of(name: string): Container {
    const container = this.#options.containers.get(name);
    if (container === undefined) throw new Error(`the compose project has no service ${name}`);
    return container;
  }
}

function unlessNothingToDo(error: unknown): string {
  if (NOTHING_TO_DO.test(errorMessage(error))) return "";
  throw error;
}
