/** "Did you mean …?": the nearest of a few known words. */

/** No known word is as long; to compare with a word of megabytes would take minutes. */
const WORD_LENGTH_MAX = 100;

/** The candidate that is nearest to `word`, if it is near enough to be what was meant. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > WORD_LENGTH_MAX) return undefined;
  const limit = Math.max(2, Math.floor(word.length / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of candidates) {
    const distance = distanceTo(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `; did you mean "x"?`, or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const candidate = nearest(word, candidates);
  return candidate === undefined ? "" : `; did you mean "${candidate}"?`;
}

/** Shorter parts of a name are near to too much. */
const PART_LENGTH_MIN = 4;

/** To a name, or to one of its parts: who writes `haswell` means `corei7_haswell_4770`. */
function distanceTo(word: string, candidate: string): number {
  const parts = candidate.split("_").filter((part) => part.length >= PART_LENGTH_MIN);
  return Math.min(...[candidate, ...parts].map((name) => editDistance(word, name)));
}

/** Levenshtein's distance. */
export function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      const insertion = (current[column - 1] ?? 0) + 1;
      const deletion = (previous[column] ?? 0) + 1;
      current.push(Math.min(substitution, insertion, deletion));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}
