import type { NatsLogin } from "../bus/nats/login.js";
import type { Clock } from "../clock.js";
import { openFileJournal } from "./file.js";
import { openNatsJournal } from "./nats.js";
import type { Journal } from "./port.js";

/** Where a journal is kept. */
export type JournalSpec =
  | { readonly kind: "none" }
  /** `sync`: what is durable survives a failure of the machine too, not only of the process. */
  | { readonly kind: "file"; readonly path: string; readonly sync: boolean }
  /** In a JetStream stream of the NATS server that events go to. */
  | { readonly kind: "nats" };

export interface JournalPlace {
  readonly host: string;
  readonly clock: Clock;
  /** Of the NATS server; kind `nats` needs it. */
  readonly natsUrl?: string | undefined;
  readonly natsLogin?: NatsLogin | undefined;
}

export const JOURNAL_SPECS = "none, nats, file:PATH or file:PATH?sync";

/** Undefined: the text says none of {@link JOURNAL_SPECS}. */
export function parseJournalSpec(text: string): JournalSpec | undefined {
  if (text === "none") return { kind: "none" };
  if (text === "nats") return { kind: "nats" };
  const file = /^file:(?<path>[^?]+)(?<sync>\?sync)?$/.exec(text)?.groups;
  if (file?.path === undefined) return undefined;
  return { kind: "file", path: file.path, sync: file.sync !== undefined };
}

/** Undefined: there is to be none. Rejects with JournalLost when another process writes the file, and when NATS is not there. */
export async function openJournal(spec: JournalSpec, place: JournalPlace): Promise<Journal | undefined> {
  switch (spec.kind) {
    case "none":
      return undefined;
    case "file":
      return await openFileJournal(spec);
    case "nats":
      if (place.natsUrl === undefined) throw new RangeError("a journal in NATS needs a NATS server");
      return await openNatsJournal({
        ...{ url: place.natsUrl, login: place.natsLogin },
        ...{ host: place.host, clock: place.clock },
      });
  }
}
