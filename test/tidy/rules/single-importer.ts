import { type Exceptions, importsOf, isTest, type Offence, type SourceFile } from "../source-file.js";

/** A package that only one folder may know, and that folder. */
export const SINGLE_IMPORTERS: Exceptions = {
  "@duckdb/node-api": "packages/lab/src/query/",
  "@peculiar/x509": "packages/runtime/src/security/certificates/",
  nats: "packages/runtime/src/bus/nats/",
  "prom-client": "packages/runtime/src/metrics/",
  testcontainers: "packages/testcontainers/src/",
};

/** One folder that imports it is one place to change when it changes, or when another one takes its place. */
export function findScatteredImports(files: readonly SourceFile[], single: Exceptions = SINGLE_IMPORTERS): Offence[] {
  return Object.entries(single).flatMap(([specifier, folder]) =>
    files
      .filter((file) => !isTest(file) && !file.path.startsWith(folder))
      .filter((file) => [...importsOf(file)].some((found) => found.specifier === specifier))
      .map(({ path }) => ({ path, message: `imports "${specifier}", which only files of ${folder} may` })),
  );
}
