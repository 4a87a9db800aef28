import { isTest, matches, type Offence, type SourceFile } from "../source-file.js";

/** `.only` hides every other test, and never stays. A `.skip` says why, in a comment of its line or of the one above: `// skipped: …`. */
export function findFocusedTests(files: readonly SourceFile[]): Offence[] {
  return files.filter(isTest).flatMap((file) => {
    const lines = file.text.split("\n");
    const hasReason = (line: number): boolean =>
      [lines[line - 1], lines[line - 2]].some((text) => /\/\/\s*skipped: \S/.test(text ?? ""));
    return [...matches(file.code, /\b(?:it|test|describe|suite|bench)(?:\.\w+)*\.(only|skip|todo|fails)\b/g)].flatMap(
      ({ match, line }) => {
        if (match[1] !== "only" && hasReason(line)) return [];
        const message =
          match[1] === "only"
            ? `${match[0]} hides all other tests`
            : `${match[0]} without a reason: write "// skipped: why" above it`;
        return [{ path: file.path, line, message }];
      },
    );
  });
}
