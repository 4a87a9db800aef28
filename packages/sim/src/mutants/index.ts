import { ANSWER_MUTANTS } from "./answers.js";
import { CLEAR_MUTANTS } from "./clears.js";
import { combine } from "./combine.js";
import { CPU_MUTANTS } from "./cpus.js";
import { ALLOCATION_MUTANTS } from "./first-clear.js";
import { FREE_MUTANTS } from "./frees.js";
import { WAIT_MUTANTS } from "./interrupts-off.js";
import { LIST_MUTANTS } from "./lists.js";
import type { Mutant } from "./mutant.js";
import { POOL_MUTANTS } from "./pools.js";
import { REPLY_MUTANTS } from "./replies.js";
import { SKIPPED_FIELD_MUTANTS } from "./skipped-fields.js";

export { type MutantFindings, measureMutant } from "./measure.js";
export type { Mutant } from "./mutant.js";

const SINGLE: readonly Mutant[] = [
  ...[...CLEAR_MUTANTS, ...ANSWER_MUTANTS, ...LIST_MUTANTS, ...REPLY_MUTANTS, ...FREE_MUTANTS],
  ...[...POOL_MUTANTS, ...SKIPPED_FIELD_MUTANTS, ...ALLOCATION_MUTANTS, ...CPU_MUTANTS, ...WAIT_MUTANTS],
];

/** The hazards of the patch that its own code has; the others depend on who calls it. */
const OF_2011: readonly string[] = [
  ...["h1-never-initialised", "h5-error-ignored", "h6-offline-forgets-pool", "h9-late-reply-applied"],
  ...["h12-vmxon-twice", "h13-vmcs01-lost", "h18-current-kept"],
];

const HISTORICAL: Mutant = {
  name: "historical",
  origin: "KVM ff2f6fe96188, as of the v10 patch of May 2011",
  says: "The design of 2011 as it was sent, with its hazards together: H1, H5, H6, H9, H12, H13 and H18.",
  fixedBy: "KVM d462b8192368 and what followed until de3a0021a606 took the pool out",
  breaks: "Whatever comes first: most often the pool that a second VMXON forgets.",
  create: () => combine(SINGLE.filter(({ name }) => OF_2011.includes(name)).map((mutant) => mutant.create())),
};

/** Every mutant: the single mistakes, and the design of 2011 with all of its own. */
export const MUTANTS: readonly Mutant[] = [...SINGLE, HISTORICAL];

export function mutantNamed(name: string): Mutant | undefined {
  return MUTANTS.find((mutant) => mutant.name === name);
}
