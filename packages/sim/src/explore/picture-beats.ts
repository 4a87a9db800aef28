import type { Message } from "../host/messages.js";
import { arrowRow, isLost, ms, type Sent, type Story } from "./picture-arrow.js";
import type { Row } from "./picture-rows.js";

/** Messages of one link that were lost one after the other. */
interface Run {
  readonly first: Sent;
  last: Sent;
  times: number;
}

/** A lease ends where beats or their answers do not arrive: one row for those that were lost one after the other. */
export function lostBeats(sent: readonly Sent[], { nameFate }: Story): Row[] {
  const open = new Map<string, Run>();
  const runs: Run[] = [];
  for (const happening of sent) {
    const { record } = happening;
    if (!isBeat(record.message)) continue;
    const link = `${record.from} ${record.to}`;
    const run = open.get(link);
    if (!isLost(happening)) open.delete(link);
    else if (run !== undefined) {
      run.last = happening;
      run.times++;
    } else {
      const begun: Run = { first: happening, last: happening, times: 1 };
      open.set(link, begun);
      runs.push(begun);
    }
  }
  return runs.map(({ first, last, times }) => {
    const { record, at } = first;
    const what = record.message.kind === "beat" ? "beat" : "renewal of the lease";
    const until = times === 1 ? "" : `, and ${times - 1} more until ${ms(last.record.sentNs)}`;
    return arrowRow(first, record.sentNs, at, "lost", `${what}${until} — ${record.fates.map(nameFate).join(", ")}`);
  });
}

function isBeat(message: Message): boolean {
  return message.kind === "beat" || message.kind === "grant";
}
