/** Counts of values in bins of equal width on a logarithmic scale: delays of many orders of magnitude in a few lines. */

const BINS = 16;

/** Values from `from` up to but not `to`; the last bin has its `to` as well. */
export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** Of whole numbers >= 0 in ascending order. Bins begin at whole numbers; zeros share the first with ones. No value, no bin. */
export function histogramOf(sorted: Float64Array): Bin[] {
  const [first] = sorted;
  const last = sorted.at(-1);
  if (first === undefined || last === undefined) return [];
  const edges = edgesBetween(first, last);
  return edges.slice(0, -1).map((from, index) => {
    const to = edges[index + 1] ?? last;
    const end = index === edges.length - 2 ? sorted.length : firstAtLeast(sorted, to);
    return { from, to, count: end - firstAtLeast(sorted, from) };
  });
}

/** Ascending and without repetition, so a narrow range has fewer bins; at least two. */
function edgesBetween(first: number, last: number): number[] {
  if (first === last) return [first, last];
  const base = Math.max(first, 1);
  const ratio = last / base;
  const inner = Array.from({ length: BINS - 1 }, (_, index) => Math.round(base * ratio ** ((index + 1) / BINS)));
  return [...new Set([first, ...inner.filter((edge) => edge > first && edge < last), last])];
}

/** Index of the first value that is not below `limit`. */
function firstAtLeast(sorted: Float64Array, limit: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
