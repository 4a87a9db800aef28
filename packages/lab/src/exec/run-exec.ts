/** `vmcslab exec`: a program from a stream, its results to another. */
import type { Writable } from "node:stream";
import type { HazardRule } from "@vmcslab/vmx";
import { createExecutor, type Executor } from "./executor.js";
import { lineBatches } from "./lines.js";
import type { ExecAnswer } from "./result.js";
import { ReaderGone, Sink } from "./sink.js";
import { ExecUsageError } from "./usage-error.js";

export const EXIT_OK = 0;
/** A rule of the manual was broken (strict), or a recorded outcome was not met. */
export const EXIT_INVALID = 1;
/** A line is not an operation. */
export const EXIT_USAGE = 64;

export interface RunExecOptions {
  readonly input: AsyncIterable<string | Uint8Array>;
  /** One JSON line per operation. */
  readonly output: Writable;
  /** Hazards, one JSON line each, and the message that explains a non-zero exit code. */
  readonly errors: Writable;
  /** Stop at the first hazard. */
  readonly strict?: boolean | undefined;
}

/** Resolves to the exit code. Waits whenever the output is full; ends quietly when its reader has gone. */
export async function runExec(options: RunExecOptions): Promise<number> {
  const run = new ExecRun(options);
  try {
    return await run.all(options.input);
  } catch (error) {
    if (error instanceof ReaderGone) return EXIT_OK;
    throw error;
  }
}

class ExecRun {
  readonly #output: Sink;
  readonly #errors: Sink;
  readonly #strict: boolean;
  readonly #executor: Executor = createExecutor();
  #results = "";
  #messages = "";

  constructor({ output, errors, strict }: RunExecOptions) {
    this.#output = new Sink(output);
    this.#errors = new Sink(errors);
    this.#strict = strict === true;
  }

  /** A chunk of the program at a time. */
  async all(input: RunExecOptions["input"]): Promise<number> {
    try {
      for await (const lines of lineBatches(input)) {
        const stop = this.execute(lines);
        await this.flush();
        if (stop) return EXIT_INVALID;
      }
      return EXIT_OK;
    } catch (error) {
      if (!(error instanceof ExecUsageError)) throw error;
      await this.flush();
      await this.#errors.write(`vmcslab exec: ${error.message}\n`);
      return EXIT_USAGE;
    }
  }

  /** True when the program must stop here. */
  execute(lines: readonly string[]): boolean {
    for (const line of lines) {
      const answer = this.#executor.line(line);
      if (answer !== "blank" && this.#report(answer)) return true;
    }
    return false;
  }

  #report({ result, hazard }: ExecAnswer): boolean {
    if (hazard === undefined) {
      this.#results += `${JSON.stringify(result)}\n`;
      return false;
    }
    this.#results += `${JSON.stringify(this.#strict ? { status: "hazard", ...hazardKeys(hazard) } : result)}\n`;
    const line = this.#executor.lines;
    this.#messages += this.#strict
      ? `vmcslab exec: line ${line}: ${hazard.rule} (${hazard.section})\n`
      : `${JSON.stringify({ event: "hazard", line, ...hazardKeys(hazard) })}\n`;
    return this.#strict;
  }

  async flush(): Promise<void> {
    const results = this.#results;
    const messages = this.#messages;
    this.#results = "";
    this.#messages = "";
    await this.#output.write(results);
    await this.#errors.write(messages);
  }
}

function hazardKeys({ name, rule, section }: HazardRule): { hazard: string; rule: string; section: string } {
  return { hazard: name, rule, section };
}
