/** What people of a compose project show to its services: the CA and the token, out of the container that made them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Credentials, readClientCredentials } from "@vmcslab/runtime";
import type { ComposeHost } from "./compose-host.js";
import { docker } from "./docker.js";

/** The service of docker-compose.yml that makes them, and where it does. */
const MAKER = "certs";
const PLACE = "/certs/client";

/** None: the project has nothing that makes any. Throws UnavailableError when docker does not hand them over. */
export async function composeCredentials({ containers }: ComposeHost): Promise<Credentials> {
  const maker = containers.get(MAKER);
  if (maker === undefined) return Credentials.none;
  const directory = await mkdtemp(join(tmpdir(), "vmcslab-tls-"));
  try {
    await docker(["cp", `${maker.id}:${PLACE}/.`, directory]);
    return readClientCredentials({ directory });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
