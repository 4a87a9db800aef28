/** `vmcslab faults preview`: reads a delay or an experiment, and prints what was found. */
import { resolve } from "node:path";
import { UsageError } from "@vmcslab/lab/errors";
import { type DelayFault, loadExperiment, parseDelay, readDelays } from "@vmcslab/lab/experiment";
import { type PreviewDocument, previewDelay, SAMPLES_MAX } from "../report/delay-preview.js";
import { formatPreview } from "../report/delay-text.js";
import type { FaultsPreviewFlags } from "./faults.js";
import { wholeNumber } from "./service-flags.js";

/** What to print. Throws UsageError and UnavailableError. */
export async function faultsPreviewCommand(subject: string, flags: FaultsPreviewFlags): Promise<string> {
  const samples = wholeNumber(flags.samples, "--samples");
  if (samples < 1 || samples > SAMPLES_MAX)
    throw new UsageError(`--samples: must be a whole number from 1 to ${SAMPLES_MAX}`);
  const seed = wholeNumber(flags.seed, "--seed");
  const delays = await delaysOf(subject);
  const document: PreviewDocument = {
    schema: "vmcslab.faults-preview/v1",
    seed,
    samples,
    delays: delays.map((delay) => previewDelay(delay, seed, samples)),
  };
  return flags.json === true ? `${JSON.stringify(document)}\n` : formatPreview(document);
}

async function delaysOf(subject: string): Promise<DelayFault[]> {
  const delay = await parseDelay(subject, (path) => resolve(path));
  if (delay !== undefined) return [{ name: subject, delay }];
  const { experiment } = await loadExperiment(subject);
  const delays = await readDelays(experiment);
  if (delays.length === 0) throw new UsageError(`${subject}: no fault of this experiment delays messages`);
  return delays;
}
