/** Reads a capture line by line: what a replay uses is kept, everything else is counted, nothing is dropped in silence. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { systemErrorCode, UsageError, unreadable } from "../errors.js";
import type { KvmEvent } from "./event.js";
import { parseCaptureLine } from "./line.js";

/** Lines that are shown of those that were not understood. */
const SHOWN_LINES_MAX = 3;
const SHOWN_LENGTH_MAX = 120;

export interface CaptureCounts {
  /** Lines of the file. */
  readonly lines: number;
  /** KVM events that the replay uses. */
  readonly understood: number;
  /** KVM events that are known but have nothing to replay, by name. */
  readonly otherKvm: Readonly<Record<string, number>>;
  /** Events of other subsystems, by name. */
  readonly other: Readonly<Record<string, number>>;
  /** Comments, headers, empty lines. */
  readonly frame: number;
  readonly notUnderstood: number;
  /** The first of those, with line number and reason. */
  readonly notUnderstoodFirst: readonly string[];
}

export interface Capture {
  readonly file: string;
  readonly events: readonly KvmEvent[];
  readonly counts: CaptureCounts;
}

/**
 * Reads a capture from a file. Memory grows with the events that are replayed (some 200 bytes each), not with the file.
 * Throws UsageError when the file cannot be read or holds no event of KVM that can be replayed.
 */
export async function readCapture(file: string): Promise<Capture> {
  const input = createReadStream(file, { encoding: "utf8" });
  try {
    return await readCaptureLines(createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }), file);
  } catch (thrown) {
    if (systemErrorCode(thrown) === undefined) throw thrown;
    throw unreadable(file, thrown);
  } finally {
    input.destroy();
  }
}

/** As {@link readCapture}, from lines. `file` is for messages. */
export async function readCaptureLines(
  lines: AsyncIterable<string> | Iterable<string>,
  file: string,
): Promise<Capture> {
  const tally = new LineTally();
  const events: KvmEvent[] = [];
  let number = 0;
  for await (const text of lines) {
    number++;
    if (number === 1) refuseBinary(text, file);
    const event = tally.take(text, number);
    if (event === undefined) continue;
    refuseSvm(event, text, file);
    events.push(event);
  }
  const counts = tally.counts(number);
  if (events.length === 0) throw new UsageError(`${file}: ${whyEmpty(counts)}`);
  return { file, events, counts };
}

class LineTally {
  #understood = 0;
  #frame = 0;
  #notUnderstood = 0;
  readonly #otherKvm = new Map<string, number>();
  readonly #other = new Map<string, number>();
  readonly #first: string[] = [];

  take(text: string, number: number): KvmEvent | undefined {
    const line = parseCaptureLine(text, number);
    switch (line.class) {
      case "event":
        this.#understood++;
        return line.event;
      case "frame":
        this.#frame++;
        return undefined;
      case "otherKvm":
        increment(this.#otherKvm, line.name);
        return undefined;
      case "other":
        increment(this.#other, line.name);
        return undefined;
      case "notUnderstood":
        this.#notUnderstood++;
        if (this.#first.length < SHOWN_LINES_MAX) this.#first.push(`line ${number}: ${line.why}: ${shown(text)}`);
        return undefined;
    }
  }

  counts(lines: number): CaptureCounts {
    return {
      lines,
      understood: this.#understood,
      otherKvm: Object.fromEntries(this.#otherKvm),
      other: Object.fromEntries(this.#other),
      frame: this.#frame,
      notUnderstood: this.#notUnderstood,
      notUnderstoodFirst: this.#first,
    };
  }
}

/** The tools' own files, given instead of what the tools print from them. */
function refuseBinary(firstLine: string, file: string): void {
  if (firstLine.startsWith("PERFILE2"))
    throw new UsageError(`${file}: this is perf's binary file; give what \`perf script\` prints from it`);
  if (firstLine.includes("\u0008Dtracing")) {
    throw new UsageError(`${file}: this is trace-cmd's binary file; give what \`trace-cmd report\` prints from it`);
  }
}

/** AMD's names: `EXIT_npf`, and the kernel's own `npf`, in small letters; a vmcb where VMX has a vmcs. */
function refuseSvm(event: KvmEvent, text: string, file: string): void {
  const sign = svmSign(event, text);
  if (sign === undefined) return;
  throw new UsageError(
    `${file}: line ${event.line}: this is a capture of an AMD processor (SVM): ${sign}; vmcslab models Intel's VT-x`,
  );
}

function svmSign(event: KvmEvent, text: string): string | undefined {
  if (event.kind === "nestedEnter") return /\bvmcb:/.test(text) ? "a nested entry with a VMCB" : undefined;
  if (event.kind !== "exit" || event.reason !== undefined || !/^(?:EXIT_|[a-z])/.test(event.reasonName))
    return undefined;
  return `kvm_exit with reason ${event.reasonName}`;
}

function whyEmpty(counts: CaptureCounts): string {
  if (counts.lines === 0) return "the file is empty; a capture of kvm events was expected";
  const kvm = Object.keys(counts.otherKvm);
  if (kvm.length > 0) {
    return `no entry or exit to replay among ${counts.lines} lines; the kvm events in it are ${kvm.slice(0, 5).join(", ")}`;
  }
  const first = counts.notUnderstoodFirst[0];
  return `no kvm events in ${counts.lines} lines${first === undefined ? "" : `; ${first}`}`;
}

/** A line as it may be printed: short, and without control characters. */
function shown(text: string): string {
  const clean = text.trim().replace(/\p{C}/gu, "?");
  return clean.length > SHOWN_LENGTH_MAX ? `${clean.slice(0, SHOWN_LENGTH_MAX)}…` : clean;
}

/** Kinds counted by name; a file of garbage must not make the table grow without end. */
const NAMES_MAX = 1_000;

function increment(counts: Map<string, number>, name: string): void {
  const key = counts.has(name) || counts.size < NAMES_MAX ? name : "(more)";
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
