/** Which runs a query is about: one, or those of a study or of a cell. */
import { join } from "node:path";
import { openHistory } from "../check/open-history.js";
import { UsageError } from "../errors.js";
import { openSource } from "../report/read/source.js";

export interface QueriedRun {
  readonly folder: string;
  /** Of a study or a cell. */
  readonly part?: { readonly cell: string; readonly repetition: number };
}

/** `path`: a run, a cell, a study, an experiment's runs (its latest), or a folder that trace wrote. Throws UsageError when nothing is there. */
export async function queriedRuns(path: string): Promise<QueriedRun[]> {
  const source = await openSource(path).catch(async (thrown: unknown) => {
    // A run that has not ended, or a folder that trace wrote, has a history and no result.
    if (!(thrown instanceof UsageError) || !(await hasHistory(path))) throw thrown;
    return undefined;
  });
  if (source === undefined) return [{ folder: path }];
  switch (source.kind) {
    case "run":
      return [{ folder: source.folder }];
    case "cell":
      return source.runs.map(({ folder }, index) => ({
        folder,
        part: { cell: source.name, repetition: repetitionOf(folder, index) },
      }));
    case "study":
      return source.summary.cells.flatMap(({ name, repetitions }) =>
        repetitions.map(({ folder, repetition }) => ({
          folder: join(source.folder, folder),
          part: { cell: name, repetition },
        })),
      );
  }
}

async function hasHistory(path: string): Promise<boolean> {
  return await openHistory(path).then(
    () => true,
    () => false,
  );
}

/** A cell's runs lie in folders named by their number. */
function repetitionOf(folder: string, index: number): number {
  const number = Number(folder.slice(folder.lastIndexOf("/") + 1));
  return Number.isSafeInteger(number) ? number : index + 1;
}
