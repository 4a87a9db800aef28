import { posix } from "node:path";
import { importsOf, isTest, type Offence, type SourceFile, workspaceOf } from "../source-file.js";

const CORES = ["@vmcslab/vmx", "@vmcslab/history", "@vmcslab/faults", "@vmcslab/nested"];
const SERVICES = ["@vmcslab/service-cpu", "@vmcslab/service-l0", "@vmcslab/service-trace"];
const BELOW_SERVICES = [...CORES, "@vmcslab/runtime"];

/** cli → lab → sim, runtime → nested → history → vmx: what each workspace may import of the others. */
export const DIRECTIONS: Readonly<Record<string, readonly string[]>> = {
  "packages/vmx": [],
  "packages/faults": [],
  "packages/history": ["@vmcslab/vmx"],
  "packages/nested": ["@vmcslab/vmx", "@vmcslab/history"],
  "packages/sim": [...CORES, "@vmcslab/faults"],
  "packages/runtime": CORES,
  "packages/web": ["@vmcslab/vmx", "@vmcslab/history"],
  "packages/lab": [...BELOW_SERVICES, "@vmcslab/faults", "@vmcslab/sim"],
  "packages/testcontainers": BELOW_SERVICES,
  "packages/cli": [
    ...BELOW_SERVICES,
    "@vmcslab/faults",
    "@vmcslab/sim",
    "@vmcslab/lab",
    "@vmcslab/testcontainers",
    ...SERVICES,
  ],
  "services/cpu": BELOW_SERVICES,
  "services/l0": BELOW_SERVICES,
  "services/trace": BELOW_SERVICES,
};

/** They compile without any type of a platform; this rule keeps packages out that would bring one. */
export const PURE_PACKAGES = ["packages/vmx", "packages/faults", "packages/history", "packages/nested", "packages/sim"];

export function findImportOffences(files: readonly SourceFile[]): Offence[] {
  return files.flatMap((file) => {
    const workspace = workspaceOf(file.path);
    if (workspace === undefined) return [];
    return [...importsOf(file)].flatMap(({ specifier, line }) => {
      const message = judge(file, workspace, specifier);
      return message === undefined ? [] : [{ path: file.path, line, message }];
    });
  });
}

function judge(file: SourceFile, workspace: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) return judgeRelative(file, workspace, specifier);
  if (/^(?:@vmcslab\/|vmcslab$|vmcslab\/)/.test(specifier)) return judgeWorkspace(workspace, specifier);
  if (!PURE_PACKAGES.includes(workspace) || isTest(file)) return undefined;
  const what = specifier.startsWith("node:") ? "of Node.js" : "npm package";
  return `${workspace} is pure and imports "${specifier}", a${specifier.startsWith("node:") ? " module" : "n"} ${what}: state it as an effect, or move it to packages/runtime`;
}

function judgeRelative({ path }: SourceFile, workspace: string, specifier: string): string | undefined {
  const target = posix.join(posix.dirname(path), specifier);
  if (target.startsWith(`${workspace}/`)) return undefined;
  return `"${specifier}" leaves ${workspace}: import the other package by its name`;
}

function judgeWorkspace(workspace: string, specifier: string): string | undefined {
  const name = specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
  const allowed = DIRECTIONS[workspace];
  if (allowed === undefined)
    return `${workspace} has no place in the import directions of test/tidy/rules/import-directions.ts: give it one`;
  if (allowed.includes(name)) return undefined;
  return `${workspace} imports ${name}; it may import ${allowed.length === 0 ? "no other package" : allowed.join(", ")}`;
}
