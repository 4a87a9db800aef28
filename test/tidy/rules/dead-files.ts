import { posix } from "node:path";
import { isTest, matches, type Offence, type SourceFile, workspaceOf } from "../source-file.js";

export interface PackageManifest {
  /** `packages/vmx` */
  readonly folder: string;
  readonly json: {
    readonly name?: string;
    readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  };
}

/** A source file that no entry point, command or test leads to. */
export function findDeadFiles(files: readonly SourceFile[], manifests: readonly PackageManifest[]): Offence[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const exported = exportedFiles(manifests);
  const isRoot = (file: SourceFile): boolean =>
    isTest(file) || !file.path.includes("/src/") || [...exported.values()].includes(file.path);
  const alive = new Set(files.filter(isRoot).map(({ path }) => path));
  for (const path of alive) {
    for (const target of referencesOf(byPath.get(path), exported)) if (byPath.has(target)) alive.add(target);
  }
  return files
    .filter(
      ({ path }) =>
        workspaceOf(path) !== undefined && path.includes("/src/") && path.endsWith(".ts") && !alive.has(path),
    )
    .map(({ path }) => ({ path, message: "nothing leads here: no entry point, command or test imports it" }));
}

/** Source files by the specifier that imports them: `@vmcslab/lab/exec` → `packages/lab/src/exec/index.ts`. */
function exportedFiles(manifests: readonly PackageManifest[]): Map<string, string> {
  const entries = manifests.flatMap(({ folder, json: { name = "", exports = {} } }) =>
    Object.entries(exports).flatMap(([subpath, target]): [string, string][] => {
      const source = typeof target === "string" ? target : (target.source ?? target.default);
      return source === undefined ? [] : [[posix.join(name, subpath), posix.join(folder, source)]];
    }),
  );
  return new Map(entries);
}

/** Every string that names a file: imports, but also what is forked or given to `new URL`. */
function* referencesOf(file: SourceFile | undefined, exported: ReadonlyMap<string, string>): Generator<string> {
  if (file === undefined) return;
  for (const { match } of matches(file.uncommented, /["'`]((?:\.{1,2}\/|@?vmcslab)[^"'`\s]*)["'`]/g)) {
    const specifier = match[1] ?? "";
    const target = exported.get(specifier);
    if (target !== undefined) yield target;
    if (!specifier.startsWith(".")) continue;
    const path = posix.join(posix.dirname(file.path), specifier).replace("/dist/", "/src/");
    yield path;
    yield path.replace(/\.js$/, ".ts");
  }
}
