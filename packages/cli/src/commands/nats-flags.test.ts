import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { natsOptions } from "./nats-flags.js";

let directory: string;
let file: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "vmcslab-nats-"));
  file = join(directory, "password");
  writeFileSync(file, "from a file\n");
});
afterAll(() => rmSync(directory, { recursive: true }));

/** With its secrets revealed. */
function optionsOf(flag: string | undefined, env: NodeJS.ProcessEnv = {}) {
  const { natsUrl, natsLogin: { password, token, creds, ...rest } = {} } = natsOptions(flag, env);
  const secrets = { password: password?.reveal(), token: token?.reveal(), creds: creds?.reveal() };
  return {
    natsUrl,
    ...rest,
    ...Object.fromEntries(Object.entries(secrets).filter(([, value]) => value !== undefined)),
  };
}

describe("the login at NATS", () => {
  it("is taken out of the address", () => {
    expect(optionsOf("nats://me:p%40ss@a:1")).toEqual({ natsUrl: "nats://a:1", user: "me", password: "p@ss" });
    expect(optionsOf("nats://t0ken@a:1")).toEqual({ natsUrl: "nats://a:1", token: "t0ken" });
    expect(optionsOf("tls://a:1")).toEqual({ natsUrl: "tls://a:1", tls: true });
    expect(JSON.stringify(natsOptions("nats://me:hunter2@a:1", {}))).not.toContain("hunter2");
  });

  it("comes from variables, before what the address says", () => {
    const env = { NATS_USER: "u", NATS_PASSWORD_FILE: file };
    expect(optionsOf("nats://me:secret@a:1", env)).toEqual({
      natsUrl: "nats://a:1",
      user: "u",
      password: "from a file",
    });
    expect(optionsOf("a:1", { NATS_TOKEN: "t" })).toEqual({ natsUrl: "nats://a:1", token: "t" });
    expect(optionsOf("a:1", { NATS_CREDS: file })).toEqual({ natsUrl: "nats://a:1", creds: "from a file" });
    expect(optionsOf("a:1", { NATS_CA: file })).toEqual({ natsUrl: "tls://a:1", ca: "from a file" });
  });

  it("is of no interest without a server", () => {
    expect(natsOptions(undefined, { NATS_USER: "u", NATS_PASSWORD: "p" })).toEqual({});
  });

  it.each([
    [{ NATS_USER: "u" }, /go together/],
    [{ NATS_PASSWORD: "p" }, /go together/],
    [{ NATS_USER: "u", NATS_PASSWORD: "p", NATS_TOKEN: "t" }, /three ways to log in/],
    [{ NATS_USER: "u", NATS_PASSWORD: "p", NATS_PASSWORD_FILE: "f" }, /say the same thing/],
    [{ NATS_USER: "u", NATS_PASSWORD_FILE: "/nowhere" }, /\/nowhere cannot be read \(ENOENT\)/],
  ])("%j is refused", (env, message) => {
    expect(() => natsOptions("a:1", env)).toThrow(message);
  });
});
