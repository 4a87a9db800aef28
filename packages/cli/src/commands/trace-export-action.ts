/** `vmcslab trace export`: recorded events in the formats of other tools, in one pass. */
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { type ChromeRecord, ChromeTrace, type HistoryEvent, mergeAsyncStreams, traceLine } from "@vmcslab/history";
import { openHistory, readRecording } from "@vmcslab/lab/check";
import { systemErrorCode, UsageError } from "@vmcslab/lab/errors";
import { EventFilter } from "../report/event-filter.js";
import { wholeEvents } from "./history-action.js";
import { wholeNumber } from "./service-flags.js";
import type { TraceExportFlags } from "./trace-export.js";

/** Text is written together up to this many characters. */
const BLOCK_CHARACTERS = 32_768;
const INCOMPLETE = 2;

interface TimedEvent {
  readonly event: HistoryEvent;
  readonly eventUs: number;
}

/** Writes the history of a folder and says as an exit code whether it is whole. */
export async function traceExportCommand(folder: string, flags: TraceExportFlags): Promise<number> {
  const fromUs = secondsFlag(flags.from, "--from", Number.NEGATIVE_INFINITY);
  const toUs = secondsFlag(flags.to, "--to", Number.POSITIVE_INFINITY);
  if (fromUs > toUs) throw new UsageError("--from: is after --to");
  const cpu = flags.cpu === undefined ? {} : { cpu: wholeNumber(flags.cpu, "--cpu") };
  const filter = new EventFilter({ kinds: [], ...cpu });
  const { directory, files } = await openHistory(folder);
  // Monotonic clocks of several machines have nothing in common.
  const isMonotonic = (await readRecording(directory))?.sharedClock === true;
  let exitCode = 0;
  const streams = files.map((file) =>
    wholeEvents(file, ({ message }) => {
      process.stderr.write(`vmcslab: ${message}\n`);
      exitCode = INCOMPLETE;
    }),
  );
  async function* chosen(): AsyncGenerator<TimedEvent> {
    for await (const event of mergeAsyncStreams(streams)) {
      const eventUs = isMonotonic ? event.monoNs / 1000 : event.wallUs;
      if (filter.takes(event) && eventUs >= fromUs && eventUs <= toUs) yield { event, eventUs };
    }
  }
  await write(blocks(piecesOf(flags.format, chosen())), flags.out);
  return exitCode;
}

async function write(text: AsyncIterable<string>, out: string | undefined): Promise<void> {
  if (out === undefined) return await pipeline(text, process.stdout, { end: false });
  try {
    await pipeline(text, createWriteStream(out));
  } catch (thrown) {
    const code = systemErrorCode(thrown);
    if (code === "ENOENT" || code === "EISDIR" || code === "EACCES") {
      throw new UsageError(`--out ${out}: cannot be written (${code})`);
    }
    throw thrown;
  }
}

function secondsFlag(text: string | undefined, flag: string, otherwiseUs: number): number {
  if (text === undefined) return otherwiseUs;
  if (!/^\d+(\.\d+)?$/.test(text)) throw new UsageError(`${flag}: seconds such as 12.345678, not "${text}"`);
  return Number(text) * 1e6;
}

function piecesOf(format: TraceExportFlags["format"], events: AsyncIterable<TimedEvent>): AsyncIterable<string> {
  if (format === "chrome") return chromePieces(events);
  return lines(events, format === "text" ? traceLine : (event) => JSON.stringify(event));
}

async function* lines(
  events: AsyncIterable<TimedEvent>,
  format: (event: HistoryEvent, eventUs: number) => string,
): AsyncGenerator<string> {
  for await (const { event, eventUs } of events) yield `${format(event, eventUs)}\n`;
}

async function* chromePieces(events: AsyncIterable<TimedEvent>): AsyncGenerator<string> {
  const trace = new ChromeTrace();
  let separator = "";
  const written = (records: readonly ChromeRecord[]): string => {
    let text = "";
    for (const record of records) {
      text += `${separator}\n${JSON.stringify(record)}`;
      separator = ",";
    }
    return text;
  };
  yield '{"displayTimeUnit":"ns","traceEvents":[';
  for await (const { event, eventUs } of events) yield written(trace.observe(event, eventUs));
  yield written(trace.end());
  yield "\n]}\n";
}

async function* blocks(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let block = "";
  for await (const piece of pieces) {
    block += piece;
    if (block.length < BLOCK_CHARACTERS) continue;
    yield block;
    block = "";
  }
  if (block !== "") yield block;
}
