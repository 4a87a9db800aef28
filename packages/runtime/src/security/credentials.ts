import { X509Certificate } from "node:crypto";
import type { RequestOptions } from "node:https";
import { createSecureContext, type PeerCertificate, type SecureContext } from "node:tls";
import { type ChannelCredentials, type ClientOptions, credentials, Metadata, ServerCredentials } from "@grpc/grpc-js";
import { CHANNEL_OPTIONS } from "../rpc/channel-options.js";
import { Guard } from "./guard.js";
import { identityOf, kindOf, type ServiceKind, type ServiceName } from "./identity.js";
import { digestOf, type Secret } from "./secret.js";

/** PEM. */
export interface KeyPair {
  readonly certificate: Buffer;
  readonly key: Secret;
}

export interface TlsMaterial {
  /** Certificates of the authorities whose word is taken, PEM. */
  readonly ca: Buffer;
  /** What a service shows. People have none. */
  readonly identity?: KeyPair;
}

export interface CredentialsOptions {
  readonly tls?: TlsMaterial;
  /** What a person presents. */
  readonly token?: Secret;
  /** By which a service recognises it. Default: that of the token. */
  readonly tokenDigest?: Buffer;
  /** A service may listen where others can reach it, whoever they are. */
  readonly insecure?: boolean;
}

/** How to open a channel. */
export interface Dial {
  readonly credentials: ChannelCredentials;
  readonly options: ClientOptions;
}

const OPEN: Dial = { credentials: credentials.createInsecure(), options: CHANNEL_OPTIONS };
const MIN_VERSION = "TLSv1.3";

/** What a service or a client shows, and what it believes. With none, everybody is believed, and nothing is encrypted. */
export class Credentials {
  static readonly none = new Credentials({});

  readonly insecure: boolean;
  /** What a service asks of its callers; undefined: nothing. */
  readonly guard: Guard | undefined;
  readonly #tls: TlsMaterial | undefined;
  readonly #token: Secret | undefined;
  readonly #context: SecureContext | undefined;

  /** Throws for a certificate or key that is none. */
  constructor({ tls, token, tokenDigest, insecure = false }: CredentialsOptions) {
    this.#tls = tls;
    this.#token = token;
    this.insecure = insecure;
    const digest = tokenDigest ?? (token === undefined ? undefined : digestOf(token));
    if (tls !== undefined) this.#context = createSecureContext({ ...contextOptions(tls), minVersion: MIN_VERSION });
    if (tls?.identity !== undefined && digest !== undefined) this.guard = new Guard(digest);
  }

  /** Whose certificate it is. Undefined: there is none, or it is none of a service of ours. */
  get name(): ServiceName | undefined {
    const certificate = this.#tls?.identity?.certificate;
    if (certificate === undefined) return undefined;
    return identityOf({ subjectaltname: new X509Certificate(certificate).subjectAltName });
  }

  /** Whether channels are encrypted and servers known. */
  get usesTls(): boolean {
    return this.#tls !== undefined;
  }

  /** Towards a service: this one, any of this kind, or any of ours. That it has the right certificate is asked, not under which address it was reached. */
  dial(expected?: ServiceName | ServiceKind): Dial {
    const context = this.#context;
    if (context === undefined) return OPEN;
    const secure = credentials.createFromSecureContext(context, {
      checkServerIdentity: (_host, certificate) => wrongIdentity(certificate, expected),
    });
    const token = this.#tls?.identity === undefined ? this.#token : undefined;
    return {
      credentials: token === undefined ? secure : secure.compose(bearer(token)),
      // An address that is a number is not to be a name in TLS.
      options: { ...CHANNEL_OPTIONS, "grpc.ssl_target_name_override": expected ?? "vmcslab" },
    };
  }

  /** Of a server. A client may show a certificate, and need not: who has neither that nor a token is a stranger, not somebody who cannot connect. */
  server(): ServerCredentials {
    const tls = this.#tls;
    return tls === undefined ? ServerCredentials.createInsecure() : new AskingServerCredentials(tls);
  }

  /** Of an HTTPS request to a service of ours: what it shows, and whom it takes for one. */
  httpsClient(): RequestOptions {
    const context = this.#context;
    if (context === undefined) return {};
    const headers = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token.reveal()}` };
    return {
      ...{ secureContext: context, headers, servername: "vmcslab", agent: false },
      checkServerIdentity: (_host, certificate) => wrongIdentity(certificate, undefined),
    };
  }

  /** Of an HTTPS server. Undefined: it has nothing to show. */
  httpsServer(): { cert: Buffer; key: string; minVersion: typeof MIN_VERSION } | undefined {
    const identity = this.#tls?.identity;
    return identity === undefined
      ? undefined
      : { cert: identity.certificate, key: identity.key.reveal(), minVersion: MIN_VERSION };
  }

  toJSON(): object {
    return { tls: this.usesTls, token: this.#token };
  }
}

class AskingServerCredentials extends ServerCredentials {
  constructor(tls: TlsMaterial) {
    super({ requestCert: true, rejectUnauthorized: false, minVersion: MIN_VERSION }, contextOptions(tls));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function contextOptions({ ca, identity }: TlsMaterial): { ca: Buffer; cert?: Buffer; key?: string } {
  return identity === undefined ? { ca } : { ca, cert: identity.certificate, key: identity.key.reveal() };
}

function bearer(token: Secret): ReturnType<typeof credentials.createFromMetadataGenerator> {
  return credentials.createFromMetadataGenerator((_options, callback) => {
    const metadata = new Metadata();
    metadata.set("authorization", `Bearer ${token.reveal()}`);
    callback(null, metadata);
  });
}

function wrongIdentity(
  certificate: PeerCertificate,
  expected: ServiceName | ServiceKind | undefined,
): Error | undefined {
  const name = identityOf(certificate);
  if (name !== undefined && (expected === undefined || name === expected || kindOf(name) === expected))
    return undefined;
  return new Error(`its certificate is that of ${name ?? "no service"}, and ${expected ?? "a service"} was to answer`);
}
