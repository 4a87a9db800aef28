/** VMCSLAB_WITHOUT: a safeguard that services go without, so that one sees what it is for (docs/safeguards.md). For tests. */
import { UsageError } from "@vmcslab/lab/errors";
import { didYouMean } from "@vmcslab/lab/text";
import { CPU_SAFEGUARDS } from "@vmcslab/service-cpu";
import { L0_SAFEGUARDS } from "@vmcslab/service-l0";

/** As a service's option, where it is one of that service's; one of the other service's is that one's business. Throws UsageError for a word that is no safeguard. */
export function withoutSafeguard<S extends string>(own: readonly S[]): { without?: S } {
  const wanted = safeguardTakenAway(process.env);
  const without = own.find((safeguard) => safeguard === wanted);
  return without === undefined ? {} : { without };
}

/** Which one it is; undefined: all are there. Throws UsageError for a word that is no safeguard. */
export function safeguardTakenAway({ VMCSLAB_WITHOUT: wanted }: NodeJS.ProcessEnv): string | undefined {
  if (wanted === undefined || wanted === "") return undefined;
  const known: readonly string[] = [...CPU_SAFEGUARDS, ...L0_SAFEGUARDS];
  if (known.includes(wanted)) return wanted;
  const hint = didYouMean(wanted, known);
  throw new UsageError(
    `VMCSLAB_WITHOUT: "${wanted}" is not a safeguard; it is one of ${known.join(", ")}${hint} (docs/safeguards.md)`,
  );
}
