/** Credentials from files, as services and commands are configured with them. */
import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../clock.js";
import { Credentials, type KeyPair, type TlsMaterial } from "./credentials.js";
import { Secret } from "./secret.js";

/** What `vmcslab certs` calls the files of one service or person. */
export const FILES = {
  ca: "ca.crt",
  certificate: "tls.crt",
  key: "tls.key",
  token: "token",
  tokenDigest: "token.sha256",
  natsPassword: "nats-password",
} as const;

/** Where each comes from; what is named comes before what lies in `directory`. */
export interface CredentialSources {
  readonly directory?: string | undefined;
  readonly ca?: string | undefined;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly tokenFile?: string | undefined;
  /** The token itself. */
  readonly token?: string | undefined;
  readonly insecure?: boolean;
}

/** A mistake of whoever configured them. The message names files, never what is in them. */
export class CredentialsError extends Error {
  override readonly name = "CredentialsError";
}

/** Of a service: none at all, or all that it takes to know its callers. Throws {@link CredentialsError}. */
export function readServiceCredentials(sources: CredentialSources): Credentials {
  const credentials = read(sources);
  if (!credentials.usesTls && credentials.guard === undefined) return credentials;
  if (credentials.guard !== undefined) return credentials;
  throw new CredentialsError(
    "a service with TLS needs a certificate with its key, that of the CA, and the token of people: --tls-dir with ca.crt, tls.crt, tls.key and " +
      "token or token.sha256, as vmcslab certs makes it",
  );
}

/** Of a person or a tool. Throws {@link CredentialsError}. */
export function readClientCredentials(sources: CredentialSources): Credentials {
  return read(sources);
}

function read(sources: CredentialSources): Credentials {
  const { directory, insecure = false } = sources;
  if (directory !== undefined && !existsSync(directory))
    throw new CredentialsError(`--tls-dir: no folder ${directory}`);
  const file = (named: string | undefined, name: string): string | undefined => {
    if (named !== undefined || directory === undefined) return named;
    const path = join(directory, name);
    return existsSync(path) ? path : undefined;
  };
  const ca = file(sources.ca, FILES.ca);
  const identity = keyPair(file(sources.certificate, FILES.certificate), file(sources.key, FILES.key));
  if (directory !== undefined && ca === undefined)
    throw new CredentialsError(`--tls-dir: ${directory} has no ${FILES.ca}`);
  if (identity !== undefined && ca === undefined)
    throw new CredentialsError("a certificate without that of the CA: give --tls-dir, or TLS_CA");
  const token = tokenOf(sources, file(sources.tokenFile, FILES.token));
  const digest = digestOf(file(undefined, FILES.tokenDigest));
  if (ca === undefined) {
    if (token !== undefined)
      throw new CredentialsError("a token is only sent to a service that proves who it is: give --tls-dir, or TLS_CA");
    return new Credentials({ insecure });
  }
  const tls: TlsMaterial = { ca: content(ca), ...(identity === undefined ? {} : { identity }) };
  const known = token === undefined && digest !== undefined ? { tokenDigest: digest } : {};
  try {
    return new Credentials({ tls, ...(token === undefined ? {} : { token }), ...known, insecure });
  } catch (thrown) {
    // What OpenSSL says names no content.
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new CredentialsError(`the certificates in ${directory ?? ca} cannot be used: ${reason}`);
  }
}

function keyPair(certificateFile: string | undefined, keyFile: string | undefined): KeyPair | undefined {
  if (certificateFile === undefined && keyFile === undefined) return undefined;
  if (certificateFile === undefined || keyFile === undefined)
    throw new CredentialsError(`a certificate and its key go together: there is only ${certificateFile ?? keyFile}`);
  const certificate = content(certificateFile);
  checkValidity(certificate, certificateFile);
  return { certificate, key: new Secret(content(keyFile).toString("utf8")) };
}

function checkValidity(pem: Buffer, file: string): void {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    throw new CredentialsError(`${file} is not a certificate in PEM`);
  }
  if (Date.parse(certificate.validTo) < systemClock.wallUs() / 1000)
    throw new CredentialsError(`${file} was valid until ${certificate.validTo}: vmcslab certs --keep makes a new one`);
}

function tokenOf({ token }: CredentialSources, file: string | undefined): Secret | undefined {
  if (token !== undefined) return checkedToken(token, "VMCSLAB_TOKEN");
  return file === undefined ? undefined : checkedToken(content(file).toString("utf8").trim(), file);
}

const TOKEN_CHARACTERS_MIN = 16;

function checkedToken(token: string, origin: string): Secret {
  if (!/^[\x21-\x7e]+$/.test(token) || token.length < TOKEN_CHARACTERS_MIN)
    throw new CredentialsError(
      `${origin}: a token is ${TOKEN_CHARACTERS_MIN} or more printable characters without spaces`,
    );
  return new Secret(token);
}

function digestOf(file: string | undefined): Buffer | undefined {
  if (file === undefined) return undefined;
  const text = content(file).toString("utf8").trim();
  if (!/^[0-9a-f]{64}$/.test(text)) throw new CredentialsError(`${file} is not a SHA-256 in hexadecimal`);
  return Buffer.from(text, "hex");
}

/** A secret in a file of its own, as `*_FILE` variables name it; a newline at its end is not part of it. */
export function readSecretFile(file: string): Secret {
  return new Secret(
    content(file)
      .toString("utf8")
      .replace(/\r?\n$/, ""),
  );
}

function content(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "unknown error";
    throw new CredentialsError(`${file} cannot be read (${code})`);
  }
}
