/** Finds and reads the event files that a folder holds, with what goes wrong in words for whoever named it. */
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { HistoryEvent } from "@vmcslab/history";
import { historyFiles, readHistory, TruncatedHistory } from "@vmcslab/runtime";
import { errorMessage, systemErrorCode, UsageError, unreadable } from "../errors.js";
import { CELLS_DIR, SUMMARY_FILE } from "../study/files.js";

/** A run's folder, or one that trace wrote. */
export interface OpenHistory {
  /** The folder of the event files. */
  readonly directory: string;
  /** One per life of a source; at least one. */
  readonly files: readonly string[];
}

/** Throws UsageError when there is no history, UnavailableError when it may not be read. */
export async function openHistory(folder: string): Promise<OpenHistory> {
  for (const candidate of [join(folder, "history"), folder]) {
    const files = await historyFiles(candidate).catch((thrown: unknown) => {
      if (systemErrorCode(thrown) === "ENOENT" || systemErrorCode(thrown) === "ENOTDIR") return [];
      throw unreadable(candidate, thrown);
    });
    const [first] = files;
    if (first !== undefined) return { directory: dirname(first), files };
  }
  if (!(await isThere(folder))) throw new UsageError(`${folder}: there is no such folder`);
  const isStudy = await isThere(join(folder, SUMMARY_FILE));
  throw new UsageError(
    `${folder}: ${isStudy ? `a study has no history of its own; each of its runs has one, in ${CELLS_DIR}/NAME/N` : "no history of a run here"}`,
  );
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

/** The events of a file, in sequence. What is wrong with it comes as UsageError, UnavailableError or TruncatedHistory. */
export async function* readEvents(file: string): AsyncGenerator<HistoryEvent> {
  try {
    yield* readHistory(file);
  } catch (thrown) {
    if (thrown instanceof TruncatedHistory) throw thrown;
    if (systemErrorCode(thrown) !== undefined) throw unreadable(file, thrown);
    throw new UsageError(`${file}: no history that this version can read: ${errorMessage(thrown)}`);
  }
}
