import type { Exceptions, Offence, SourceFile } from "../source-file.js";

export const LINES_MAX = 400;

/** Files that are longer, each with its argument. */
export const LONG_FILES: Exceptions = {};

export function findLongFiles(files: readonly SourceFile[], argued: Exceptions = LONG_FILES): Offence[] {
  const long = files.filter(({ text }) => lineCount(text) > LINES_MAX);
  const offences = long
    .filter(({ path }) => !(path in argued))
    .map(({ path, text }) => ({
      path,
      message: `${lineCount(text)} lines, over ${LINES_MAX}: split it by subject, or argue for it in LONG_FILES`,
    }));
  const stale = Object.keys(argued)
    .filter((path) => !long.some((file) => file.path === path))
    .map((path) => ({ path, message: "is argued for as a long file, and is not one: take it off LONG_FILES" }));
  return [...offences, ...stale];
}

function lineCount(text: string): number {
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}
