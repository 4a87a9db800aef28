/** `vmcslab check`: the sanitizer over the events of a folder. */
import { checkRun, exitCodeOf } from "@vmcslab/lab/check";
import { hasColour } from "../output/terminal.js";
import { formatCheck } from "../report/check.js";
import type { CheckFlags } from "./check.js";
import { wholeNumber } from "./service-flags.js";

/** Violations that are listed, and looked up once more for the events around them. The rest is counted. */
const LISTED_MAX = 20;

/** Prints the verdict and what contradicts it, and says the verdict as an exit code. */
export async function checkCommand(folder: string, flags: CheckFlags): Promise<number> {
  const around = wholeNumber(flags.events, "--events");
  const check = await checkRun(folder, { around, listedMax: LISTED_MAX });
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify(check, null, 2)}\n`
      : formatCheck(check, hasColour(process.stdout, process.env)),
  );
  return exitCodeOf(check.verdict, true);
}
