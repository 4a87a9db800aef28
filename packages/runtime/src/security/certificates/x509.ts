/** The library that makes certificates. It is loaded when one is made, and costs nothing otherwise. */
import { webcrypto } from "node:crypto";

const SIGNATURE = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** A certificate and its private key, PEM. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
}

export interface Validity {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  readonly days: number;
}

export interface Subject {
  readonly commonName: string;
  /** What it may be reached as. */
  readonly names: readonly { readonly type: "dns" | "ip" | "url"; readonly value: string }[];
}

const DAY_MS = 24 * 3600 * 1000;
/** Clocks of other machines may be behind. */
const EARLIER_MS = 3600 * 1000;

async function load() {
  // The library's injector of dependencies asks for it.
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  x509.cryptoProvider.set(webcrypto);
  return x509;
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(SIGNATURE, true, ["sign", "verify"]);
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  const x509 = await load();
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`;
}

function period({ nowMs, days }: Validity): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(nowMs - EARLIER_MS), notAfter: new Date(nowMs + days * DAY_MS) };
}

/** An authority of our own, which can sign certificates of services and nothing else. */
export async function newAuthority(commonName: string, validity: Validity): Promise<Issued> {
  const x509 = await load();
  const keys = await newKeys();
  const usage = x509.KeyUsageFlags;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${commonName}`,
    ...period(validity),
    signingAlgorithm: SIGNATURE,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(usage.keyCertSign | usage.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString("pem")}\n`, key: await privateKeyPem(keys.privateKey) };
}

/** A certificate for a server that is also a client. */
export async function issue(authority: Issued, { commonName, names }: Subject, validity: Validity): Promise<Issued> {
  const x509 = await load();
  const [der] = x509.PemConverter.decode(authority.key);
  if (der === undefined) throw new Error("the authority's key is not PEM");
  const signingKey = await webcrypto.subtle.importKey("pkcs8", der, SIGNATURE, false, ["sign"]);
  const issuer = new x509.X509Certificate(authority.certificate);
  const keys = await newKeys();
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${commonName}`,
    issuer: issuer.subject,
    ...period(validity),
    signingAlgorithm: SIGNATURE,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([serverAuth, clientAuth]),
      new x509.SubjectAlternativeNameExtension([...names]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString("pem")}\n`, key: await privateKeyPem(keys.privateKey) };
}
