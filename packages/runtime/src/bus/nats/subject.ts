/**
 * Subjects are vmcslab.<host>.<source>.<kind>. A message carries a batch, and a batch mixes kinds, so its kind token is `batch`: splitting it by kind
 * would cut the sequence into runs of one or two events and cost a message for each, only for subscribers that want one kind.
 */
const BATCH_KIND = "batch";

export function subjectOf(host: string, source: string): string {
  return `vmcslab.${host}.${source}.${BATCH_KIND}`;
}

/** All batches of all sources; of all hosts unless one is named. */
export function subjectsOf(host = "*"): string {
  return `vmcslab.${host}.*.${BATCH_KIND}`;
}
