import type { Clock } from "../clock.js";
import { Credentials } from "../security/credentials.js";
import { serveControl } from "./control.js";
import { Link, type LinkOptions } from "./link.js";

export interface ProxyOptions {
  readonly links: readonly Omit<LinkOptions, "clock">[];
  /** Where faults are set. */
  readonly control: { readonly host: string; readonly port: number };
  readonly clock: Clock;
  /** Of its control. Default: none. */
  readonly credentials?: Credentials;
}

/** A TCP proxy with faults, which are set over HTTP. Rejects when it cannot listen. */
export async function startProxy({
  links,
  control,
  clock,
  credentials = Credentials.none,
}: ProxyOptions): Promise<{ stop(): Promise<void> }> {
  const started: Link[] = [];
  try {
    for (const options of links) {
      const link = new Link({ ...options, clock });
      await link.start();
      started.push(link);
    }
    const endControl = await serveControl(started, control, credentials);
    return {
      async stop() {
        endControl();
        await Promise.all(started.map((link) => link.stop()));
      },
    };
  } catch (error) {
    await Promise.all(started.map((link) => link.stop()));
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`cannot listen: ${reason}`);
  }
}
