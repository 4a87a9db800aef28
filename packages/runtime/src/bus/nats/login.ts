/** How to log in at a NATS server. Credentials are options of the client, never part of an address that somebody might print. */
import type { ConnectionOptions } from "nats";
import { Secret } from "../../security/secret.js";

/** One of user with password, token, and credentials file; or none. */
export interface NatsLogin {
  readonly user?: string;
  readonly password?: Secret;
  readonly token?: Secret;
  /** What a .creds file holds. */
  readonly creds?: Secret;
  /** The connection is encrypted. */
  readonly tls?: boolean;
  /** Certificates of the authorities that the server's is to be from, PEM; with it the connection is encrypted. Default: those that Node.js knows. */
  readonly ca?: string;
}

/** The address without credentials, and those that were in it: a user alone is a token, as in the nats command. */
export function splitNatsUrl(url: string): { readonly server: string; readonly login: NatsLogin } {
  const parsed = new URL(url.includes("://") ? url : `nats://${url}`);
  const server = `${parsed.hostname}:${parsed.port === "" ? "4222" : parsed.port}`;
  const user = decodeURIComponent(parsed.username);
  const password = decodeURIComponent(parsed.password);
  const tls = parsed.protocol === "tls:" ? { tls: true } : {};
  if (user === "") return { server, login: tls };
  if (password === "") return { server, login: { token: new Secret(user), ...tls } };
  return { server, login: { user, password: new Secret(password), ...tls } };
}

/** For people: what an address says, without what nobody is to see. */
export function withoutCredentials(url: string): string {
  return url.replace(/[^@/]*@/, "…@");
}

export async function natsOptions(login: NatsLogin): Promise<ConnectionOptions> {
  const { user, password, token, creds, ca, tls = false } = login;
  const { credsAuthenticator } = await import("nats");
  return {
    ...(user === undefined ? {} : { user, inboxPrefix: inboxOf(user) }),
    ...(password === undefined ? {} : { pass: password.reveal() }),
    ...(token === undefined ? {} : { token: token.reveal() }),
    ...(creds === undefined ? {} : { authenticator: credsAuthenticator(Buffer.from(creds.reveal())) }),
    ...(ca === undefined ? {} : { tls: { ca } }),
    ...(ca === undefined && tls ? { tls: {} } : {}),
  };
}

/** Answers go to an inbox of each user's own, so that the server can keep others from reading them. */
function inboxOf(user: string): string {
  return /^[\w-]+$/.test(user) ? `_INBOX.${user}` : "_INBOX";
}
