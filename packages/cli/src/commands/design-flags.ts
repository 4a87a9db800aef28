import { UsageError } from "@vmcslab/lab/errors";
import { didYouMean } from "@vmcslab/lab/text";
import type { Design } from "@vmcslab/nested";
import { flagOrEnv } from "./flag-or-env.js";

export interface DesignFlags {
  readonly design?: string;
  readonly preparation?: string;
  readonly clearing?: string;
}

const VMCS02: readonly Design["vmcs02"][] = ["pool", "single"];
const PREPARATIONS: readonly Design["preparation"][] = ["full", "incremental"];
const CLEARINGS: readonly Design["clearing"][] = ["oneByOne", "perCpu", "atOnce"];

/** `--design`, `--preparation`, `--clearing`: what was given of them. Throws UsageError for what there is not. */
export function designOptions(flags: DesignFlags): { design: Partial<Design> } {
  const vmcs02 = oneOf("--design", flagOrEnv(flags.design, "DESIGN"), VMCS02);
  const preparation = oneOf("--preparation", flagOrEnv(flags.preparation, "PREPARATION"), PREPARATIONS);
  const clearing = oneOf("--clearing", flagOrEnv(flags.clearing, "CLEARING"), CLEARINGS);
  return {
    design: {
      ...(vmcs02 === undefined ? {} : { vmcs02 }),
      ...(preparation === undefined ? {} : { preparation }),
      ...(clearing === undefined ? {} : { clearing }),
    },
  };
}

function oneOf<Name extends string>(flag: string, text: string | undefined, names: readonly Name[]): Name | undefined {
  if (text === undefined) return undefined;
  const known = names.find((name) => name === text);
  if (known !== undefined) return known;
  throw new UsageError(`${flag}: "${text}" is not one of ${names.join(", ")}${didYouMean(text, names)}`);
}
