import type { Saboteur } from "../host/sim-host.js";

/** A known way to get this wrong, as a switch: the cores stay as they are, and the simulated world around them makes the mistake. */
export interface Mutant {
  readonly name: string;
  /** Where the mistake was made, or could be: a hazard of the 2011 patch (H1 to H19 of docs/mutants.md), a kernel commit, or this protocol. */
  readonly origin: string;
  /** The mistake, in one sentence. */
  readonly says: string;
  /** The kernel commit that mended it, or the section of the SDM that forbids it. */
  readonly fixedBy?: string;
  /** What is expected to break, and why. */
  readonly breaks: string;
  /** For one run: what the mistake has to remember is in it. */
  readonly create: () => Saboteur;
}
