/** Inputs that found something once. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "corpus");

export interface Kept {
  readonly file: string;
  readonly bytes: Buffer;
}

/** Of one kind; none: nothing was found in it yet. */
export function kept(kind: string): Kept[] {
  const kinds = readdirSync(FOLDER);
  if (!kinds.includes(kind)) return [];
  return readdirSync(join(FOLDER, kind)).map((file) => ({ file, bytes: readFileSync(join(FOLDER, kind, file)) }));
}
