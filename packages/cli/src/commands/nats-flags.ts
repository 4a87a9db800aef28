/** Which NATS server, and how to log in there. */
import { UsageError } from "@vmcslab/lab/errors";
import { type NatsLogin, readSecretFile, Secret, splitNatsUrl } from "@vmcslab/runtime";
import { orUsageError } from "./client-credentials.js";
import { natsUrl } from "./settings.js";

export interface NatsOptions {
  /** Without user and password, also when it came with them. */
  readonly natsUrl?: string;
  readonly natsLogin?: NatsLogin;
}

/** From --nats or NATS_URL, and NATS_USER and so on. Throws UsageError for what makes no sense. */
export function natsOptions(flag: string | undefined, env: NodeJS.ProcessEnv): NatsOptions {
  const url = natsUrl(flag, env);
  if (url === undefined) return {};
  const { server, login: inUrl } = splitNatsUrl(url);
  const login = { ...inUrl, ...orUsageError(() => loginOf(env)) };
  const scheme = login.tls === true || login.ca !== undefined ? "tls" : "nats";
  return { natsUrl: `${scheme}://${server}`, ...(Object.keys(login).length === 0 ? {} : { natsLogin: login }) };
}

function loginOf(env: NodeJS.ProcessEnv): NatsLogin {
  const user = filled(env.NATS_USER);
  const password = secretOf(env, "NATS_PASSWORD");
  const token = secretOf(env, "NATS_TOKEN");
  const creds = filled(env.NATS_CREDS);
  const ca = filled(env.NATS_CA);
  if ((user === undefined) !== (password === undefined))
    throw new UsageError("NATS_USER and NATS_PASSWORD (or NATS_PASSWORD_FILE) go together");
  const ways = [user, token, creds].filter((way) => way !== undefined).length;
  if (ways > 1) throw new UsageError("NATS_USER, NATS_TOKEN and NATS_CREDS are three ways to log in: give one");
  return {
    ...(user === undefined || password === undefined ? {} : { user, password }),
    ...(token === undefined ? {} : { token }),
    ...(creds === undefined ? {} : { creds: readSecretFile(creds) }),
    ...(ca === undefined ? {} : { ca: readSecretFile(ca).reveal() }),
  };
}

/** From a variable, or from the file that the variable with _FILE names. */
function secretOf(env: NodeJS.ProcessEnv, variable: string): Secret | undefined {
  const value = filled(env[variable]);
  const file = filled(env[`${variable}_FILE`]);
  if (value !== undefined && file !== undefined)
    throw new UsageError(`${variable} and ${variable}_FILE say the same thing: give one`);
  if (value !== undefined) return new Secret(value);
  return file === undefined ? undefined : readSecretFile(file);
}

function filled(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}
