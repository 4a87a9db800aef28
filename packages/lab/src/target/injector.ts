/** Source `faults`: whoever injects what is done to processes from outside, as the history has it. */
import type { FaultFact } from "@vmcslab/faults";
import { Credentials, newIncarnation, Publisher, systemClock } from "@vmcslab/runtime";
import type { SourcePosition, TargetOptions } from "./target.js";

const FLUSH_MS = 2_000;
const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export class Injector {
  readonly #options: Pick<TargetOptions, "hostName" | "natsUrl" | "natsLogin">;
  readonly #traceAddress: string;
  readonly #credentials: Credentials;
  /** Only a run that injects something has this source. */
  #publisher: Publisher | undefined;

  constructor(
    options: Pick<TargetOptions, "hostName" | "natsUrl" | "natsLogin">,
    traceAddress: string,
    credentials = Credentials.none,
  ) {
    this.#options = options;
    this.#traceAddress = traceAddress;
    this.#credentials = credentials;
  }

  readonly emit = (fact: FaultFact): void => {
    this.#publisher ??= this.#open();
    this.#publisher.recorder.record(fact);
  };

  /** Everything stated so far is published; how far that is. */
  async settle(): Promise<SourcePosition[]> {
    const position = await this.#publisher?.recorder.flush(FLUSH_MS);
    return position === undefined ? [] : [position];
  }

  async close(): Promise<void> {
    await this.#publisher?.close();
  }

  #open(): Publisher {
    const { hostName, natsUrl, natsLogin } = this.#options;
    const bus =
      natsUrl === undefined
        ? { traceAddress: this.#traceAddress }
        : { natsUrl, ...(natsLogin === undefined ? {} : { natsLogin }) };
    return new Publisher(
      { ...bus, credentials: this.#credentials },
      hostName,
      "faults",
      newIncarnation(systemClock),
      systemClock,
      SILENT,
    );
  }
}
