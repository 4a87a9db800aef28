/** What a run knows of its recording and the events do not say: stored with them, so that a later check reaches the run's verdict. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { errorMessage, systemErrorCode, UsageError, unreadable } from "../errors.js";
import type { Settlement } from "../target/target.js";

/** Beside the event files. */
const FILE = "recording.json";
const SCHEMA = "vmcslab.recording/v1";

/** How far each source got, as far as they said. */
export type Recording = Pick<Settlement, "positions" | "silent" | "unended" | "beginnings" | "sharedClock">;

const positions = z.array(
  z.object({ host: z.string(), source: z.string(), incarnation: z.int(), published: z.int().nonnegative() }),
);
const document = z.object({
  schema: z.literal(SCHEMA),
  sharedClock: z.boolean(),
  positions,
  silent: z.array(z.string()),
  // Runs of before did not know.
  unended: positions.default([]),
  beginnings: positions,
});

/** Why the evidence is not complete, of sources that did not say how far they got, now or in an earlier life. */
export function describeSilence({ silent, unended = [] }: Pick<Recording, "silent" | "unended">): string[] {
  return [
    ...silent.map((name) => `${name} did not say how many events it published`),
    ...unended.map(
      ({ source, incarnation, published }) =>
        `${source} was killed in its life ${incarnation}: it never said where its events end, ${published} are known`,
    ),
  ];
}

export async function writeRecording(
  historyDir: string,
  { positions, silent, unended = [], beginnings = [], sharedClock = false }: Recording,
): Promise<void> {
  const written: z.infer<typeof document> = {
    schema: SCHEMA,
    sharedClock,
    positions: positions.map((position) => ({ ...position })),
    silent: [...silent],
    unended: unended.map((position) => ({ ...position })),
    beginnings: beginnings.map((position) => ({ ...position })),
  };
  await writeFile(join(historyDir, FILE), `${JSON.stringify(written, null, 2)}\n`);
}

/** Undefined: nobody asked the sources, as in a folder that trace alone wrote. Throws UsageError for a file that no run wrote. */
export async function readRecording(historyDir: string): Promise<Recording | undefined> {
  const file = join(historyDir, FILE);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (thrown) {
    if (systemErrorCode(thrown) === "ENOENT") return undefined;
    throw unreadable(file, thrown);
  }
  return parse(text, file);
}

function parse(text: string, file: string): Recording {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw damaged(file, errorMessage(thrown));
  }
  const parsed = document.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw damaged(file, issue === undefined ? "not as expected" : `${issue.path.join(".")}: ${issue.message}`);
}

function damaged(file: string, why: string): UsageError {
  return new UsageError(`${file}: not as a run writes it (${why}); restore it, or remove it to check the events alone`);
}
