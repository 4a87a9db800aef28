import { type Exceptions, isTest, matches, type Offence, type SourceFile, workspaceOf } from "../source-file.js";
import { PURE_PACKAGES } from "./import-directions.js";

interface Banned {
  readonly name: string;
  readonly pattern: RegExp;
  readonly instead: string;
}

const TIME = "a core is told the time: take it from the event that is handled";
const EFFECT = "yield an effect, and let the shell carry it out";
const CODE_UNITS = "compare with < and >, by code unit, which is the same on every machine";

/** A name used as itself: not a member, not part of a longer word. */
const bare = (name: string, followedBy = "\\b"): RegExp => new RegExp(`(?<![.\\w#$])${name}${followedBy}`, "g");

/** What lib ES2023 offers, or a careless declaration would, that a pure package must do without. */
const BANNED: readonly Banned[] = [
  { name: "Date", pattern: bare("Date"), instead: TIME },
  {
    name: "Math.random",
    pattern: /\bMath\.random\b/g,
    instead: "draw from a named stream of the seed that is handed in",
  },
  { name: "performance", pattern: bare("performance", "\\s*\\."), instead: TIME },
  { name: "setTimeout", pattern: bare("set(?:Timeout|Interval|Immediate)"), instead: EFFECT },
  { name: "queueMicrotask", pattern: bare("queueMicrotask"), instead: EFFECT },
  { name: "console", pattern: bare("console", "\\s*\\."), instead: "emit an event, or return a value" },
  { name: "process", pattern: bare("process", "\\s*\\."), instead: "take it as a parameter" },
  { name: "globalThis", pattern: bare("globalThis"), instead: "take it as a parameter" },
  { name: "fetch", pattern: bare("fetch", "\\s*\\("), instead: EFFECT },
  {
    name: "crypto",
    pattern: bare("crypto", "\\s*\\."),
    instead: "draw from a named stream of the seed that is handed in",
  },
  { name: "Buffer", pattern: bare("Buffer"), instead: "use Uint8Array or DataView" },
  { name: "Promise", pattern: bare("Promise"), instead: "write a generator and yield where it waits" },
  { name: "async", pattern: bare("(?:async|await)"), instead: "write a generator and yield where it waits" },
  { name: "Intl", pattern: bare("Intl", "\\s*\\."), instead: CODE_UNITS },
  { name: "localeCompare", pattern: /\.(?:localeCompare|toLocale\w+)\b/g, instead: CODE_UNITS },
  {
    name: "WeakRef",
    pattern: bare("(?:WeakRef|FinalizationRegistry)"),
    instead: "end what is held explicitly: garbage collection is not reproducible",
  },
  { name: "eval", pattern: bare("eval", "\\s*\\("), instead: "write the code" },
];

/** Reading recorded streams is asynchronous by nature, and the only such thing in a pure package. */
export const ASYNC_EXCEPTIONS: Exceptions = {
  "packages/history/src/merge.ts": "merges streams that are read as they come",
  "packages/history/src/check/check-history.ts": "checks streams that are read as they come",
};
const ASYNC_NAMES = ["Promise", "async"];

export function findBannedIdentifiers(
  files: readonly SourceFile[],
  asyncExceptions: Exceptions = ASYNC_EXCEPTIONS,
): Offence[] {
  const pure = files.filter((file) => PURE_PACKAGES.includes(workspaceOf(file.path) ?? "") && !isTest(file));
  return pure.flatMap((file) => {
    const banned = file.path in asyncExceptions ? BANNED.filter(({ name }) => !ASYNC_NAMES.includes(name)) : BANNED;
    return banned.flatMap(({ pattern, instead }) =>
      [...matches(file.code, pattern)].map(({ match, line }) => ({
        path: file.path,
        line,
        message: `${match[0].trim()} is banned in pure packages: ${instead}`,
      })),
    );
  });
}
