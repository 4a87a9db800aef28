import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { PackageManifest } from "./rules/dead-files.js";
import { type SourceFile, sourceFile } from "./source-file.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Not ours to judge: installed, built, or written by a generator. */
const SKIPPED = new Set(["node_modules", "dist", "generated", ".git", "data"]);

export function readSources(): SourceFile[] {
  const paths = ["packages", "services", "test", "bench", "scripts"].flatMap((folder) => [...walk(join(ROOT, folder))]);
  return paths
    .filter((path) => /\.(?:ts|mts|mjs|js)$/.test(path))
    .map((path) => sourceFile(toRepositoryPath(path), readFileSync(path, "utf8")));
}

/** The pages whose paths must exist. */
export function readPages(): SourceFile[] {
  const pages = [
    ...["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map((name) => join(ROOT, name)),
    ...walk(join(ROOT, "docs")),
  ];
  return pages
    .filter((path) => path.endsWith(".md") && existsSync(path))
    .map((path) => sourceFile(toRepositoryPath(path), readFileSync(path, "utf8")));
}

export function readManifests(): PackageManifest[] {
  const folders = ["packages", "services"].flatMap((parent) =>
    readdirSync(join(ROOT, parent)).map((name) => `${parent}/${name}`),
  );
  return folders
    .filter((folder) => existsSync(join(ROOT, folder, "package.json")))
    .map((folder) => ({
      folder,
      json: JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8")) as PackageManifest["json"],
    }));
}

export function existsInRepository(path: string): boolean {
  return existsSync(join(ROOT, path));
}

function* walk(folder: string): Generator<string> {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (SKIPPED.has(name)) continue;
    if (statSync(path).isDirectory()) yield* walk(path);
    else yield path;
  }
}

function toRepositoryPath(path: string): string {
  return relative(ROOT, path).split(sep).join("/");
}
