import { systemClock } from "@vmcslab/runtime";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../packages/lab/src/errors.js";
import { kept } from "./corpus.js";
import { runs, SEED, timeout } from "./effort.js";
import { TEXT_FORMATS, type TextFormat } from "./text-formats.js";
import { nearly } from "./texts.js";

/** Each is read in milliseconds; a machine may be busy. */
const READ_MS_MAX = 5000;
const MESSAGE_LENGTH_MAX = 4001;

describe("what once was not refused with words", () => {
  const all = TEXT_FORMATS.flatMap((format) =>
    kept(format.name).map(({ file, bytes }) => ({ format, file, text: String(bytes) })),
  );
  test.each(all)("$format.name $file", ({ format, text }) => isTaken(format, text));
});

describe("what is nearly", () => {
  test.each(TEXT_FORMATS)(
    "a $name: is read, or refused with words, in time",
    async (format) => {
      const numRuns = runs(format.runs);
      await fc.assert(
        fc.asyncProperty(nearly(format.samples), (text) => isTaken(format, text)),
        { seed: SEED, numRuns, endOnFailure: true },
      );
    },
    timeout(60_000),
  );
});

async function isTaken({ read, name }: TextFormat, text: string): Promise<void> {
  const startNs = systemClock.monoNs();
  try {
    await read(text);
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    expect(thrown.message.length, `message about a ${name}`).toBeLessThanOrEqual(MESSAGE_LENGTH_MAX);
  }
  expect((systemClock.monoNs() - startNs) / 1e6).toBeLessThan(READ_MS_MAX);
}
