import type { HistoryEvent } from "../event.js";
import { mergeAsyncStreams } from "../merge.js";
import type { CheckReport } from "./report.js";
import { Sanitizer, type SanitizerOptions } from "./sanitizer.js";

export interface CheckHistoryOptions extends SanitizerOptions {
  /** Nothing may follow: open operations are violations. Default true. */
  readonly complete?: boolean;
}

/** Checks a recorded history: one stream per source, or per life of a source, each ordered by `seq`. */
export async function checkHistory(
  streams: Iterable<AsyncIterable<HistoryEvent>>,
  { complete = true, ...options }: CheckHistoryOptions = {},
): Promise<CheckReport> {
  const sanitizer = new Sanitizer(options);
  for await (const event of mergeAsyncStreams(streams)) sanitizer.observe(event);
  return sanitizer.finish({ complete });
}
