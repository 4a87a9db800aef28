/** What is looked at before a YAML parser sees a text: the parser follows nesting with its stack, and where that ends Node.js may end with it. */
import { UsageError } from "../errors.js";

const CHARACTERS_MAX = 1024 * 1024;
/** Deeper than any setting is, and far from the end of the stack. */
const DEPTH_MAX = 200;
/** Blocks within blocks: each takes a column of indentation, or a marker. */
const DEEP_BLOCK = new RegExp(`^[ \\t?:-]{${DEPTH_MAX + 1}}`, "m");

/** Throws UsageError for a text that no person wrote as settings. `where`: what the message begins with. */
export function checkYamlBounds(text: string, where: string): void {
  if (text.length > CHARACTERS_MAX)
    throw new UsageError(`${where}: ${text.length} characters; settings have ${CHARACTERS_MAX} at most`);
  if (DEEP_BLOCK.test(text) || flowDepth(text) > DEPTH_MAX)
    throw new UsageError(`${where}: nested more than ${DEPTH_MAX} deep; no setting is`);
}

/** Throws UsageError for a value that contains itself, as one whose anchor stands around its alias. What is there twice is looked at once. */
export function checkIsTree(value: unknown, where: string): void {
  let level = new Set([value]);
  for (let depth = 0; level.size > 0; depth++) {
    if (depth > 2 * DEPTH_MAX) throw new UsageError(`${where}: an alias stands inside of what its anchor names`);
    const below = [...level].flatMap((item) => (typeof item === "object" && item !== null ? Object.values(item) : []));
    level = new Set(below);
  }
}

/** Brackets that are open at once, those in texts and comments included. */
function flowDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    depth = bracket === "[" || bracket === "{" ? depth + 1 : Math.max(0, depth - 1);
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}
