/**
 * Every defined outcome of the recorded sequences, on the pure core: test/conformance/data/README.md says where they
 * come from.
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type Disagreement, parseSequence, replay, type Sequence } from "../../packages/lab/src/exec/index.js";

/** Operations per file, so that a truncated file is noticed. */
const FILES = {
  directed: { sequences: 78, operations: 1888, compared: 1580 },
  matrix: { sequences: 1830, operations: 31595, compared: 29782 },
  "random-1cpu": { sequences: 350, operations: 14209, compared: 12600 },
  "random-2cpu": { sequences: 400, operations: 16153, compared: 12222 },
  "random-clean": { sequences: 150, operations: 6291, compared: 6176 },
} as const;

function readSequences(name: string): Sequence[] {
  const text = gunzipSync(readFileSync(new URL(`data/${name}.jsonl.gz`, import.meta.url))).toString("utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map(parseSequence);
}

function describeDisagreement(sequence: Sequence, { index, operation, expected, actual }: Disagreement): string {
  return `${sequence.id}[${index}] ${JSON.stringify(operation)}: recorded ${JSON.stringify(expected)}, here ${JSON.stringify(actual)}`;
}

describe("recorded on Bochs 2.7: every defined outcome agrees", () => {
  test.each(Object.entries(FILES))("%s", (name, expected) => {
    const sequences = readSequences(name);
    const disagreements: string[] = [];
    let compared = 0;
    for (const sequence of sequences) {
      const result = replay(sequence);
      compared += result.compared;
      for (const disagreement of result.disagreements) disagreements.push(describeDisagreement(sequence, disagreement));
    }
    expect(disagreements).toEqual([]);
    const operations = sequences.reduce((sum, sequence) => sum + sequence.ops.length, 0);
    expect({ sequences: sequences.length, operations, compared }).toEqual(expected);
  });
});

/** "vmcall: SDM failValid:1, Bochs failValid:19" → "failValid:1". */
const SDM_SAYS = /SDM ([a-zA-Z]+)(?::(\d+))?,/;

describe("where the recording is known to be wrong, the manual is followed", () => {
  test("every first marked operation of a sequence has the outcome that the SDM gives it", () => {
    const wrong: string[] = [];
    let checked = 0;
    for (const sequence of readSequences("directed")) {
      const index = Math.min(...sequence.deviatesAt.keys());
      const match = SDM_SAYS.exec(sequence.deviatesAt.get(index) ?? "");
      if (match === null || Math.min(index, ...sequence.undefinedAt.keys()) < index) continue;
      checked++;
      const unmarked = { ...sequence, deviatesAt: new Map([...sequence.deviatesAt].filter(([at]) => at > index)) };
      const actual = replay(unmarked).disagreements.find((disagreement) => disagreement.index === index)?.actual;
      const number = actual?.error ?? actual?.vector;
      if (actual?.status !== match[1] || (match[2] !== undefined && Number(match[2]) !== number)) {
        wrong.push(`${sequence.id}[${index}] ${match[0]} here ${JSON.stringify(actual)}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(checked).toBeGreaterThan(5);
  });
});
