/** `vmcslab certs`. */
import { resolve } from "node:path";
import { errorMessage, systemErrorCode, UnavailableError, UsageError } from "@vmcslab/lab/errors";
import { CredentialsError, isSourceName, type MakeOptions, makeCredentials, systemClock } from "@vmcslab/runtime";
import type { CertsFlags } from "./certs.js";
import { flagOrEnv } from "./flag-or-env.js";
import { wholeNumber } from "./service-flags.js";

const CPUS_MAX = 256;
const DAYS_MAX = 3650;

export async function certsCommand(directory: string, flags: CertsFlags): Promise<string> {
  const options = optionsOf(directory, flags);
  try {
    const { created, renewed } = await makeCredentials(options);
    if (flags.json === true)
      return `${JSON.stringify({ schema: "vmcslab.certs/v1", directory: options.directory, created, renewed })}\n`;
    const told = [described("made", created), described("renewed", renewed)].flatMap((text) => text ?? []);
    return `${directory}: ${told.length === 0 ? "everything was there" : told.join(", ")}\n`;
  } catch (thrown) {
    if (thrown instanceof CredentialsError) throw new UsageError(thrown.message);
    if (systemErrorCode(thrown) !== undefined) throw new UnavailableError(errorMessage(thrown));
    throw thrown;
  }
}

function described(what: string, names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : `${what} ${names.join(" ")}`;
}

function optionsOf(directory: string, flags: CertsFlags): MakeOptions {
  const host = flagOrEnv(flags.hostName, "VMCSLAB_HOST") ?? "host";
  if (!isSourceName(host)) throw new UsageError(`--host-name: "${host}": letters, digits, _ and -, at most 64`);
  for (const name of flags.name)
    if (!/^[\w.:-]+$/.test(name)) throw new UsageError(`--name: "${name}" is neither a name nor an address`);
  return {
    directory: resolve(directory),
    cpus: between(1, CPUS_MAX, flags.cpus, "--cpus"),
    host,
    names: flags.name,
    days: between(1, DAYS_MAX, flags.days, "--days"),
    keep: flags.keep === true,
    ...ownerOf(flags.owner),
    ...(flags.natsDir === undefined ? {} : { natsDirectory: flags.natsDir }),
    clock: systemClock,
  };
}

function between(min: number, max: number, text: string, flag: string): number {
  const value = wholeNumber(text, flag);
  if (value < min || value > max) throw new UsageError(`${flag}: ${value} is not from ${min} to ${max}`);
  return value;
}

function ownerOf(text: string | undefined): Pick<MakeOptions, "owner"> {
  if (text === undefined) return {};
  const { uid, gid } = /^(?<uid>\d{1,9}):(?<gid>\d{1,9})$/.exec(text)?.groups ?? {};
  if (uid === undefined || gid === undefined)
    throw new UsageError(`--owner: "${text}" is not two numbers, such as 1000:1000`);
  return { owner: { uid: Number(uid), gid: Number(gid) } };
}
