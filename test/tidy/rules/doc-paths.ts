import { posix } from "node:path";
import { matches, type Offence, type SourceFile } from "../source-file.js";

const TOP_LEVEL = ["packages", "services", "proto", "test", "docs", "experiments", "bench", "deploy", "scripts", ".ci"];
/** A placeholder or a pattern, not a path. */
const IS_PATTERN = /[*{}<>…$|=,]/;

/** Every path of the repository that a page names, in backticks or as the target of a link, must exist. */
export function findMissingPaths(pages: readonly SourceFile[], exists: (path: string) => boolean): Offence[] {
  return pages.flatMap((page) => {
    const text = withoutFences(page.text);
    return [...namedPaths(page.path, text)]
      .filter(({ path }) => !exists(path))
      .map(({ path, line }) => ({ path: page.path, line, message: `names ${path}, which does not exist` }));
  });
}

function* namedPaths(page: string, text: string): Generator<{ readonly path: string; readonly line: number }> {
  for (const { match, line } of matches(text, /`([^`\n]+)`/g)) {
    for (const word of (match[1] ?? "").split(/\s+/)) {
      const path = withoutPlace(word);
      if (!IS_PATTERN.test(path) && isRepositoryPath(path)) yield { path, line };
    }
  }
  for (const { match, line } of matches(text, /\]\(([^)\s]+)\)/g)) {
    const path = withoutPlace(match[1] ?? "");
    if (path !== "" && !/^[a-z]+:/.test(path)) yield { path: posix.join(posix.dirname(page), path), line };
  }
}

function isRepositoryPath(path: string): boolean {
  const [first, second] = path.split("/");
  return second !== undefined && TOP_LEVEL.includes(first ?? "");
}

/** Without an anchor, a line number, or the full stop of the sentence. */
function withoutPlace(path: string): string {
  return path.replace(/#.*$/, "").replace(/(?::\d+)?[.;:]?$/, "");
}

function withoutFences(text: string): string {
  return text.replaceAll(/^( *)```[\s\S]*?^\1```/gm, (block) => block.replaceAll(/[^\n]/g, " "));
}
