/** From what was found to a verdict and an exit code. */
import { EXIT_CODES } from "../errors.js";

export type Verdict = "valid" | "invalid" | "unknown";

export interface Evidence {
  readonly violations: number;
  /** Events that are missing from the history. */
  readonly lost: number;
  /** Operations that L0 did not carry out. */
  readonly failures: number;
  /** Why else the evidence is not complete, in words. */
  readonly gaps: readonly string[];
}

/** A violation is one whatever is missing beside it; without complete evidence, its absence says nothing. */
export function verdictOf({ violations, lost, failures, gaps }: Evidence): Verdict {
  if (violations > 0) return "invalid";
  return lost > 0 || failures > 0 || gaps.length > 0 ? "unknown" : "valid";
}

/** `thresholdsMet` matters only for a run that is valid. */
export function exitCodeOf(verdict: Verdict, thresholdsMet: boolean): number {
  if (verdict === "invalid") return EXIT_CODES.invariantFailed;
  if (verdict === "unknown") return EXIT_CODES.unknown;
  return thresholdsMet ? EXIT_CODES.valid : EXIT_CODES.thresholdFailed;
}
