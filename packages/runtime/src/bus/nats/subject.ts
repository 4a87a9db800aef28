/**
 * Subjects are vmcslab.<host>.<source>.<kind>. A message carries a batch, and a batch mixes kinds, so its kind token is `batch`: splitting it by kind
 * would cut the sequence into runs of one or two events and cost a message for each, only for subscribers that want one kind.
 */
const ROOT = "vmcslab";
const BATCH_KIND = "batch";

export function subjectOf(host: string, source: string): string {
  return `${ROOT}.${host}.${source}.${BATCH_KIND}`;
}

/** All batches of all sources of all hosts. */
export function batchSubjects(): string {
  return `${ROOT}.*.*.${BATCH_KIND}`;
}

/** Everything of ours. */
export function everySubject(): string {
  return `${ROOT}.>`;
}
