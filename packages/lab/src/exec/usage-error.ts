/** A line that is not an operation. The command ends with exit code 64. */
export class ExecUsageError extends Error {
  override readonly name = "ExecUsageError";
  /** Line of the program, from 1. */
  readonly line: number;
  /** What is wrong and what to write instead, without the line. */
  readonly problem: string;

  constructor(line: number, problem: string) {
    super(`line ${line}: ${problem}`);
    this.line = line;
    this.problem = problem;
  }
}

/** The same before anybody knows the line. */
export class Problem extends Error {
  override readonly name = "Problem";
}
