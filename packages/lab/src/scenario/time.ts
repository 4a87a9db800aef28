/** Virtual time as scenarios print it: milliseconds, exactly. */
export function formatTime(ns: number): string {
  return `${Number((ns / 1e6).toFixed(6))}ms`;
}
