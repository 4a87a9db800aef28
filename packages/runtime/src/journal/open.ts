import { openFileJournal } from "./file.js";
import type { Journal } from "./port.js";

/** Where a journal is kept. */
export type JournalSpec =
  | { readonly kind: "none" }
  /** `sync`: what is durable survives a failure of the machine too, not only of the process. */
  | { readonly kind: "file"; readonly path: string; readonly sync: boolean };

export const JOURNAL_SPECS = "none, file:PATH or file:PATH?sync";

/** Undefined: the text says none of {@link JOURNAL_SPECS}. */
export function parseJournalSpec(text: string): JournalSpec | undefined {
  if (text === "none") return { kind: "none" };
  const file = /^file:(?<path>[^?]+)(?<sync>\?sync)?$/.exec(text)?.groups;
  if (file?.path === undefined) return undefined;
  return { kind: "file", path: file.path, sync: file.sync !== undefined };
}

/** Undefined: there is to be none. Rejects with JournalLost when somebody else writes it. */
export async function openJournal(spec: JournalSpec): Promise<Journal | undefined> {
  switch (spec.kind) {
    case "none":
      return undefined;
    case "file":
      return await openFileJournal(spec);
  }
}
