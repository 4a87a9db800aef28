/** The places of an experiment file where a key says which of several kinds is meant. */

import { ACTIONS_WITH_SETTINGS, BARE_ACTIONS } from "./action-schema.js";
import { DISTRIBUTION_KINDS } from "./delay-schema.js";
import type { ConfigPath } from "./document.js";
import { WORKLOAD_KINDS } from "./workload-schema.js";

export interface Choice {
  readonly what: string;
  /** The key of each kind, in the order of the schema's union. */
  readonly kinds: readonly string[];
  /** Kinds that may be written as their name alone. */
  readonly bare: readonly string[];
}

const CHOICES: Readonly<Record<string, Choice>> = {
  workload: { what: "workload", kinds: WORKLOAD_KINDS, bare: [] },
  do: { what: "action", kinds: ACTIONS_WITH_SETTINGS, bare: BARE_ACTIONS },
  load: { what: "load model", kinds: ["open"], bare: ["closed"] },
  delay: { what: "distribution", kinds: DISTRIBUTION_KINDS, bare: [] },
};

export function choiceAt(path: ConfigPath): Choice | undefined {
  return CHOICES[`${path.at(-1)}`];
}

/** Every kind, once. */
export function namesOf({ kinds, bare }: Choice): string[] {
  return [...new Set([...bare, ...kinds])];
}
