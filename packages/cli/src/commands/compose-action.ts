import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { UnavailableError, UsageError } from "@vmcslab/lab/errors";
import { composeFor } from "./compose-text.js";
import { wholeNumber } from "./service-flags.js";

/** The one that is checked in, and in the image. */
const COMPOSE_FILE = fileURLToPath(new URL("../../../../docker-compose.yml", import.meta.url));
const CPUS_MAX = 256;

export async function composeCommand({ cpus }: { readonly cpus: string }): Promise<void> {
  const count = wholeNumber(cpus, "--cpus");
  if (count < 1 || count > CPUS_MAX) throw new UsageError(`--cpus: ${count} is not from 1 to ${CPUS_MAX}`);
  process.stdout.write(composeFor(await readComposeFile(), count));
}

async function readComposeFile(): Promise<string> {
  try {
    return await readFile(COMPOSE_FILE, "utf8");
  } catch {
    throw new UnavailableError(`${COMPOSE_FILE} is not there: run it in a checkout, or in the image`);
  }
}
