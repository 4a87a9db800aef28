import { withoutComments, withoutCommentsAndStrings } from "./strip.js";

/** A file as the rules see it. Line breaks stand in the same places in all three texts. */
export interface SourceFile {
  /** Relative to the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** Comments blanked. */
  readonly uncommented: string;
  /** Comments and the contents of strings blanked. */
  readonly code: string;
}

export interface Offence {
  readonly path: string;
  /** 1-based; absent when it is about the whole file. */
  readonly line?: number;
  readonly message: string;
}

/** Files a rule makes an exception for, each with the reason. */
export type Exceptions = Readonly<Record<string, string>>;

export function sourceFile(path: string, text: string): SourceFile {
  return { path, text, uncommented: withoutComments(text), code: withoutCommentsAndStrings(text) };
}

export const isTest = ({ path }: SourceFile): boolean =>
  path.endsWith(".test.ts") || path.startsWith("test/") || path.includes("/test-support/");

/** `packages/vmx` or `services/l0`; undefined outside of both. */
export function workspaceOf(path: string): string | undefined {
  return /^(?:packages|services)\/[^/]+(?=\/)/.exec(path)?.[0];
}

/** All matches of a global pattern in one of a file's texts, with their lines. */
export function* matches(
  text: string,
  pattern: RegExp,
): Generator<{ readonly match: RegExpExecArray; readonly line: number }> {
  for (const match of text.matchAll(pattern)) yield { match, line: text.slice(0, match.index).split("\n").length };
}

/** What a file imports, exports from, or imports dynamically. */
export function* importsOf(file: SourceFile): Generator<{ readonly specifier: string; readonly line: number }> {
  const pattern = /^\s*(?:import|export)\b[^;"]*?\bfrom\s*"([^"]+)"|^\s*import\s*"([^"]+)"|\bimport\(\s*"([^"]+)"/gm;
  for (const { match, line } of matches(file.uncommented, pattern)) {
    const specifier = match[1] ?? match[2] ?? match[3];
    if (specifier !== undefined) yield { specifier, line };
  }
}

export function describeOffences(offences: readonly Offence[]): string[] {
  return offences.map(({ path, line, message }) => `${path}${line === undefined ? "" : `:${line}`}: ${message}`);
}
