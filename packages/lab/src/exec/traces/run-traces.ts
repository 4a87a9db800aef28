/** `vmcslab exec --traces FILE`: replays recorded sequences and reports every disagreement in a defined outcome. */
import type { Writable } from "node:stream";
import { lineBatches } from "../lines.js";
import { EXIT_INVALID, EXIT_OK, EXIT_USAGE } from "../run-exec.js";
import { ReaderGone, Sink } from "../sink.js";
import { ExecUsageError, Problem } from "../usage-error.js";
import { replay } from "./replay.js";
import type { Disagreement, Replay } from "./script.js";
import { parseSequence, type Sequence } from "./sequence.js";

export interface RunTracesOptions {
  readonly input: AsyncIterable<string | Uint8Array>;
  readonly output: Writable;
  readonly errors: Writable;
  /** Name of the input, for the report. */
  readonly file: string;
  /** One JSON document instead of text. */
  readonly json?: boolean | undefined;
}

export interface TracesReport {
  readonly schema: "vmcslab.traces/v1";
  readonly file: string;
  readonly sequences: number;
  readonly operations: number;
  readonly compared: number;
  /**
   * At and after the first operation of a sequence that is undefined, or in which the recording is known to be wrong.
   */
  readonly skipped: number;
  readonly disagreements: readonly TraceDisagreement[];
}

export interface TraceDisagreement extends Disagreement {
  readonly line: number;
  readonly id: string;
}

/** Resolves to the exit code: 0 when everything that was compared agrees. */
export async function runTraces(options: RunTracesOptions): Promise<number> {
  try {
    const report = await replayAll(options);
    await new Sink(options.output).write(options.json === true ? `${JSON.stringify(report)}\n` : describe(report));
    return report.disagreements.length === 0 ? EXIT_OK : EXIT_INVALID;
  } catch (error) {
    if (error instanceof ReaderGone) return EXIT_OK;
    if (!(error instanceof ExecUsageError)) throw error;
    await new Sink(options.errors).write(`vmcslab exec: ${options.file}: ${error.message}\n`);
    return EXIT_USAGE;
  }
}

async function replayAll({ input, file }: RunTracesOptions): Promise<TracesReport> {
  const totals = { sequences: 0, operations: 0, compared: 0, skipped: 0 };
  const disagreements: TraceDisagreement[] = [];
  let line = 0;
  for await (const lines of lineBatches(input)) {
    for (const text of lines) {
      line++;
      if (text.trim() === "") continue;
      const { sequence, result } = atLine(line, text);
      totals.sequences++;
      totals.operations += sequence.ops.length;
      totals.compared += result.compared;
      totals.skipped += result.skipped;
      for (const disagreement of result.disagreements) disagreements.push({ line, id: sequence.id, ...disagreement });
    }
  }
  return { schema: "vmcslab.traces/v1", file, ...totals, disagreements };
}

function atLine(line: number, text: string): { sequence: Sequence; result: Replay } {
  try {
    const sequence = parseSequence(text);
    return { sequence, result: replay(sequence) };
  } catch (error) {
    if (error instanceof Problem) throw new ExecUsageError(line, error.message);
    throw error;
  }
}

function describe(report: TracesReport): string {
  const lines = report.disagreements.map(describeDisagreement);
  const { file, sequences, operations, compared, skipped } = report;
  lines.push(
    `${file}: ${sequences} sequences, ${operations} operations: ${compared} outcomes compared, ${skipped} not (undefined, or the recording is known to be wrong)`,
    `${report.disagreements.length} disagreements`,
  );
  return `${lines.join("\n")}\n`;
}

function describeDisagreement({ line, id, index, operation, expected, actual }: TraceDisagreement): string {
  return `line ${line}, ${id}, operation ${index}: ${JSON.stringify(operation)}\n  recorded ${JSON.stringify(expected)}\n  here     ${JSON.stringify(actual)}`;
}
