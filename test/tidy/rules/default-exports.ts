import { type Exceptions, matches, type Offence, type SourceFile } from "../source-file.js";

/** A default export has another name at every importer; a named one is found by searching for it. */
export function findDefaultExports(files: readonly SourceFile[], allowed: Exceptions = {}): Offence[] {
  return files
    .filter((file) => !(file.path in allowed))
    .flatMap((file) =>
      [...matches(file.code, /^\s*export\s+default\b|^\s*export\s*\{[^}]*\bas\s+default\b/gm)].map(({ line }) => ({
        path: file.path,
        line,
        message: "a default export: give it a name",
      })),
    );
}
