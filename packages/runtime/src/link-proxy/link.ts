import { connect, createServer, type Server, type Socket } from "node:net";
import type { Timer } from "@vmcslab/nested";
import { type Clock, randomBits32 } from "../clock.js";
import { type LinkFaults, NO_FAULTS } from "./link-faults.js";

export interface LinkOptions {
  /** What it is called when faults are set: `cpu2`. */
  readonly name: string;
  /** Where connections are taken. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Where they are passed on to. The name is looked up for each connection: whoever bears it may have moved. */
  readonly target: { readonly host: string; readonly port: number };
  readonly clock: Clock;
}

/** TCP connections that pass through us, with faults when they are asked for. */
export class Link {
  readonly #options: LinkOptions;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #faults = NO_FAULTS;
  #healing: Timer | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    // Half-open, so that an end in one direction does not cut off what the other still says.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  get name(): string {
    return this.#options.name;
  }

  get faults(): LinkFaults {
    return this.#faults;
  }

  /** Rejects when it cannot listen. */
  async start(): Promise<void> {
    const { host, port } = this.#options.listen;
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, resolve);
    });
  }

  /** From now on. With `forMs` the faults end by themselves, whatever becomes of whoever set them. */
  setFaults(faults: LinkFaults, forMs?: number): void {
    this.#healing?.cancel();
    this.#healing = forMs === undefined ? undefined : this.#options.clock.after(forMs, () => this.setFaults(NO_FAULTS));
    const wasBlackhole = this.#faults.blackhole;
    this.#faults = faults;
    // Bytes are missing in their streams: they cannot go on.
    if (wasBlackhole && !faults.blackhole) this.reset();
  }

  /** Resets every open connection. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    this.#healing?.cancel();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.reset();
    await closed;
  }

  #accept(near: Socket): void {
    if (this.#faults.refuse) {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ ...this.#options.target, allowHalfOpen: true });
    this.#pipe(near, far);
    this.#pipe(far, near);
  }

  #pipe(from: Socket, to: Socket): void {
    const { clock } = this.#options;
    let dueNs = 0;
    /** Timers of one moment fire in any order: whichever fires lets the oldest go. */
    const held: (() => void)[] = [];
    this.#sockets.add(from);
    from.setNoDelay(true);
    /** Runs what is to happen at the other end, when it is due there. */
    const deliver = (effect: () => void): void => {
      const { latencyMs, jitterMs } = this.#faults;
      const nowNs = clock.monoNs();
      dueNs = Math.max(dueNs, nowNs + (latencyMs + (jitterMs * randomBits32()) / 2 ** 32) * 1e6);
      const delayMs = (dueNs - nowNs) / 1e6;
      if (delayMs < 1 && held.length === 0) {
        effect();
        return;
      }
      held.push(effect);
      clock.after(delayMs, () => {
        const oldest = held.shift();
        if (!to.destroyed) oldest?.();
      });
    };
    from.on("data", (chunk: Buffer) => {
      if (!this.#faults.blackhole) deliver(() => this.#write(from, to, chunk));
    });
    from.on("end", () => {
      if (!this.#faults.blackhole) deliver(() => to.end());
    });
    from.on("error", () => {
      if (!this.#faults.blackhole) to.resetAndDestroy();
    });
    from.on("close", (hadError) => {
      this.#sockets.delete(from);
      if (hadError && !this.#faults.blackhole) to.destroy();
    });
  }

  /** A peer that does not read holds up the one that writes, as on one connection. */
  #write(from: Socket, to: Socket, chunk: Buffer): void {
    if (to.destroyed || to.write(chunk)) return;
    from.pause();
    to.once("drain", () => from.resume());
  }
}
