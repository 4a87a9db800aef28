import { type Exceptions, importsOf, isTest, type Offence, type SourceFile } from "../source-file.js";

/** A package that only one file may know, and the folder that file is in. */
export const SINGLE_IMPORTERS: Exceptions = { nats: "packages/runtime/src/" };

/** One file that imports it is one place to change when it changes, or when another one takes its place. */
export function findScatteredImports(files: readonly SourceFile[], single: Exceptions = SINGLE_IMPORTERS): Offence[] {
  return Object.entries(single).flatMap(([specifier, folder]) => {
    const importers = files.filter(
      (file) => !isTest(file) && [...importsOf(file)].some((found) => found.specifier === specifier),
    );
    const inside = importers.filter(({ path }) => path.startsWith(folder));
    const outside = importers.filter(({ path }) => !path.startsWith(folder));
    return [
      ...outside.map(({ path }) => ({ path, message: `imports "${specifier}", which only one file of ${folder} may` })),
      ...inside.slice(1).map(({ path }) => ({
        path,
        message: `imports "${specifier}", which ${inside[0]?.path} does already: one file only`,
      })),
    ];
  });
}
