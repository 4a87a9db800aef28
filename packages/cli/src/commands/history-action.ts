/** `vmcslab history`: recorded events as text, in one pass and constant memory. */
import { pipeline } from "node:stream/promises";
import { EVENT_KINDS, type EventKind, type HistoryEvent, mergeAsyncStreams } from "@vmcslab/history";
import { openHistory, readEvents } from "@vmcslab/lab/check";
import { UsageError } from "@vmcslab/lab/errors";
import { didYouMean } from "@vmcslab/lab/text";
import { TruncatedHistory } from "@vmcslab/runtime";
import { EventFilter } from "../report/event-filter.js";
import { formatEvent } from "../report/event-line.js";
import type { HistoryFlags } from "./history.js";
import { wholeNumber } from "./service-flags.js";

/** Lines are written together up to this many characters. */
const BLOCK_CHARACTERS = 32_768;
const INCOMPLETE = 2;

/** Prints the history of a folder and says as an exit code whether it is whole. */
export async function historyCommand(folder: string, flags: HistoryFlags): Promise<number> {
  const filter = new EventFilter({
    kinds: flags.kind.map(kindNamed),
    ...(flags.cpu === undefined ? {} : { cpu: wholeNumber(flags.cpu, "--cpu") }),
    ...(flags.vmcs === undefined ? {} : { vmcs: wholeNumber(flags.vmcs, "--vmcs") }),
  });
  const { files } = await openHistory(folder);
  let exitCode = 0;
  const streams = files.map((file) =>
    wholeEvents(file, ({ message }) => {
      process.stderr.write(`vmcslab: ${message}\n`);
      exitCode = INCOMPLETE;
    }),
  );
  const format = flags.ndjson === true ? JSON.stringify : formatEvent;
  await pipeline(blocks(mergeAsyncStreams(streams), filter, format), process.stdout, { end: false });
  return exitCode;
}

function kindNamed(name: string): EventKind {
  const kinds = Object.keys(EVENT_KINDS);
  if (isKind(name)) return name;
  throw new UsageError(`--kind: there is no kind "${name}"${didYouMean(name, kinds)}`);
}

function isKind(name: string): name is EventKind {
  return Object.hasOwn(EVENT_KINDS, name);
}

/** The events of a file; one that was cut off ends where it is cut off. */
export async function* wholeEvents(
  file: string,
  onTruncated: (error: TruncatedHistory) => void,
): AsyncGenerator<HistoryEvent> {
  try {
    yield* readEvents(file);
  } catch (thrown) {
    if (thrown instanceof TruncatedHistory) return onTruncated(thrown);
    throw thrown;
  }
}

async function* blocks(
  events: AsyncIterable<HistoryEvent>,
  filter: EventFilter,
  format: (event: HistoryEvent) => string,
): AsyncGenerator<string> {
  let block = "";
  for await (const event of events) {
    if (!filter.takes(event)) continue;
    block += `${format(event)}\n`;
    if (block.length < BLOCK_CHARACTERS) continue;
    yield block;
    block = "";
  }
  if (block !== "") yield block;
}
