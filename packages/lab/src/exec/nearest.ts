import { editDistance } from "../text/suggest.js";

/** Distance of an edit that a slip of the fingers explains. */
const DISTANCE_MAX = 3;

/** "; did you mean …?" for the closest of `names`, or nothing when none is close. */
export function suggestion(word: string, names: Iterable<string>): string {
  let best: string | undefined;
  let bestDistance = DISTANCE_MAX + 1;
  const wanted = word.toLowerCase().slice(0, 64);
  for (const name of names) {
    // Of two that are as close, the one of which the word is the beginning.
    const distance = editDistance(wanted, name.toLowerCase()) - (name.toLowerCase().startsWith(wanted) ? 0.5 : 0);
    if (distance >= bestDistance || distance >= name.length) continue;
    best = name;
    bestDistance = distance;
  }
  return best === undefined ? "" : `; did you mean "${best}"?`;
}
