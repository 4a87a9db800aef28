/** What a replay had to infer, because the capture does not say it. */

export interface Inference {
  readonly what: string;
  readonly count: number;
  /** First line of the capture that it was needed for; undefined when it belongs to no line. */
  readonly firstLine?: number;
}

/** Texts that begin so are about what the capture holds and the replay does not. */
const LEFT_OUT = "left out: ";

export class Inferences {
  readonly #found = new Map<string, { count: number; firstLine: number }>();

  /** Notes one. `what` is a sentence without numbers of its own, so that equal ones add up. */
  note(what: string, line?: number): void {
    const found = this.#found.get(what);
    if (found !== undefined) {
      found.count++;
      found.firstLine = Math.min(found.firstLine, line ?? Infinity);
    } else this.#found.set(what, { count: 1, firstLine: line ?? Infinity });
  }

  list(): Inference[] {
    return [...this.#found].map(([what, { count, firstLine }]) => ({
      what,
      count,
      ...(Number.isFinite(firstLine) ? { firstLine } : {}),
    }));
  }
}

/** One line for people. */
export function formatInference({ what, count, firstLine }: Inference): string {
  const prefix = what.startsWith(LEFT_OUT) ? "" : "inferred: ";
  const place = firstLine === undefined ? "" : ` (first at line ${firstLine})`;
  return `${prefix}${what}${count === 1 ? "" : `, ${count} times`}${place}`;
}
