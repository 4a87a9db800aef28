import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../clock.js";
import { type MakeOptions, makeCredentials } from "./certificates/make.js";
import { readClientCredentials, readServiceCredentials } from "./read.js";

let root: string;
const options = (more: Partial<MakeOptions> = {}): MakeOptions => ({
  ...{ directory: join(root, "tls"), cpus: 1, host: "h", names: [], days: 90, keep: false, clock: systemClock },
  ...more,
});
const of = (name: string): string => join(root, "tls", name);

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "vmcslab-security-"));
  await makeCredentials(options());
});
afterAll(() => rmSync(root, { recursive: true }));

describe("credentials that were made", () => {
  test("are read by the service that they are of, which asks who calls", () => {
    const credentials = readServiceCredentials({ directory: of("cpu0") });
    expect(credentials.name).toBe("cpu0");
    expect(credentials.guard).toBeDefined();
  });

  test("are people's without a certificate", () => {
    const credentials = readClientCredentials({ directory: of("client") });
    expect({ name: credentials.name, tls: credentials.usesTls }).toEqual({ name: undefined, tls: true });
  });

  test("have files that others cannot read", () => {
    for (const secret of ["l0/tls.key", "client/token", "cpu0/nats-password", "nats/nats.conf", "ca/ca.key"])
      expect(statSync(of(secret)).mode & 0o777).toBe(0o600);
    for (const folder of ["", "l0", "ca"]) expect(statSync(of(folder)).mode & 0o777).toBe(0o700);
  });

  test("are not overwritten; with keep what is missing is added, and what ends soon is made anew", async () => {
    await expect(makeCredentials(options())).rejects.toThrow(/is not empty/);
    expect(await makeCredentials(options({ keep: true, cpus: 2 }))).toEqual({ created: ["cpu1"], renewed: [] });
    const later = { ...systemClock, wallUs: () => systemClock.wallUs() + 70 * 24 * 3600 * 1e6 };
    const { created, renewed } = await makeCredentials(options({ keep: true, clock: later }));
    expect({ created, renewed }).toEqual({ created: [], renewed: ["l0", "trace", "nats", "proxy", "cpu0"] });
    expect(readServiceCredentials({ directory: of("l0") }).name).toBe("l0");
  });
});

describe("credentials that make no sense", () => {
  test.each([
    ["no such folder", () => ({ directory: of("nowhere") }), /no folder/],
    ["a folder without a CA", () => ({ directory: root }), /has no ca.crt/],
    ["a certificate without its key", () => ({ ca: of("l0/ca.crt"), certificate: of("l0/tls.crt") }), /go together/],
    ["a key without its certificate", () => ({ ca: of("l0/ca.crt"), key: of("l0/tls.key") }), /go together/],
    ["another's key", () => ({ directory: of("l0"), key: of("cpu0/tls.key") }), /cannot be used/],
    ["a token without a CA", () => ({ token: "0123456789abcdef" }), /only sent to a service that proves/],
    ["a token that is too short", () => ({ ca: of("l0/ca.crt"), token: "short" }), /16 or more/],
    ["what is no certificate", () => ({ directory: of("l0"), certificate: of("l0/tls.key") }), /not a certificate/],
  ])("%s", (_, sources, message) => {
    expect(() => readClientCredentials(sources())).toThrow(message);
  });

  test("a service with TLS and without the token of people", () => {
    const files = { ca: of("l0/ca.crt"), certificate: of("l0/tls.crt"), key: of("l0/tls.key") };
    expect(() => readServiceCredentials(files)).toThrow(/and the token of people/);
  });

  test("what is wrong is said without what was in it", () => {
    const file = join(root, "token");
    writeFileSync(file, "two words of a secret\n");
    expect(() => readClientCredentials({ ca: of("l0/ca.crt"), tokenFile: file })).toThrow(
      `${file}: a token is 16 or more printable characters without spaces`,
    );
  });
});
