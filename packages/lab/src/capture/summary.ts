/** What a capture holds, in lines for people. */
import type { Capture } from "./read.js";

/** `operations`: what its events come to. One exit is several events, and a kvm_entry alone is nothing that a replay does. */
export function formatCounts({ file, counts }: Capture, operations: number): string[] {
  const otherKvm = total(counts.otherKvm);
  const other = total(counts.other);
  return [
    `capture ${file}: ${counts.lines} lines; ${operations} operations to replay, from ${counts.understood} kvm events; ${otherKvm} kvm events with nothing to replay, ` +
      `${other} of other subsystems, ${counts.frame} comments or headers, ${counts.notUnderstood} not understood`,
    ...(otherKvm === 0 ? [] : [`nothing to replay in: ${formatNames(counts.otherKvm)}`]),
    ...(other === 0 ? [] : [`other subsystems: ${formatNames(counts.other)}`]),
    ...counts.notUnderstoodFirst.map((line) => `not understood: ${line}`),
  ];
}

/** Names in one line; the rest is summed up. */
const NAMES_SHOWN_MAX = 12;

function formatNames(counts: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(counts).sort(([, left], [, right]) => right - left);
  const shown = sorted.slice(0, NAMES_SHOWN_MAX).map(([name, count]) => `${name} ${count}`);
  const hidden = sorted.length - shown.length;
  return [...shown, ...(hidden > 0 ? [`and ${hidden} more kinds`] : [])].join(", ");
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
