/**
 * Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002): the smallest part of a list that it finds for which `holds` is still true, and from which no single element can be taken.
 * `holds` of the whole list is taken for granted.
 */
export function ddmin<T>(list: readonly T[], holds: (part: readonly T[]) => boolean): readonly T[] {
  let kept = list;
  let parts = 2;
  while (kept.length > 0) {
    const size = Math.ceil(kept.length / parts);
    const smaller = firstWithout(kept, size, holds);
    if (smaller !== undefined) {
      kept = smaller;
      parts = Math.max(parts - 1, 2);
    } else if (size === 1) return kept;
    else parts = Math.min(2 * parts, kept.length);
  }
  return kept;
}

/** Without one of its parts. The last ones go first: what comes later depends on what came before, and not the other way round. */
function firstWithout<T>(list: readonly T[], size: number, holds: (part: readonly T[]) => boolean): T[] | undefined {
  for (let end = list.length; end > 0; end -= size) {
    const rest = [...list.slice(0, Math.max(end - size, 0)), ...list.slice(end)];
    if (holds(rest)) return rest;
  }
  return undefined;
}
