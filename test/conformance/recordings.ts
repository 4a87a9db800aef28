/** The recorded sequences: test/conformance/data/README.md says where they come from. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { type Disagreement, parseSequence, type Replay, type Sequence } from "../../packages/lab/src/exec/index.js";

/** Operations per file, so that a truncated file is noticed. */
export const RECORDINGS = {
  directed: { sequences: 78, operations: 1888, compared: 1580 },
  matrix: { sequences: 1830, operations: 31595, compared: 29782 },
  "random-1cpu": { sequences: 350, operations: 14209, compared: 12600 },
  "random-2cpu": { sequences: 400, operations: 16153, compared: 12222 },
  "random-clean": { sequences: 150, operations: 6291, compared: 6176 },
} as const;

export function readSequences(name: string): Sequence[] {
  const text = gunzipSync(readFileSync(new URL(`data/${name}.jsonl.gz`, import.meta.url))).toString("utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map(parseSequence);
}

export interface Tally {
  readonly sequences: number;
  readonly operations: number;
  readonly compared: number;
  readonly disagreements: readonly string[];
}

/** What replaying these sequences, in this order, came to. */
export function tally(sequences: readonly Sequence[], replays: readonly Replay[]): Tally {
  return {
    sequences: replays.length,
    operations: sequences.reduce((sum, sequence) => sum + sequence.ops.length, 0),
    compared: replays.reduce((sum, { compared }) => sum + compared, 0),
    disagreements: sequences.flatMap((sequence, index) =>
      (replays[index]?.disagreements ?? []).map((disagreement) => describe(sequence, disagreement)),
    ),
  };
}

function describe(sequence: Sequence, { index, operation, expected, actual }: Disagreement): string {
  return `${sequence.id}[${index}] ${JSON.stringify(operation)}: recorded ${JSON.stringify(expected)}, here ${JSON.stringify(actual)}`;
}
