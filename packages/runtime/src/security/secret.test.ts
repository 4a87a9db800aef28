import { inspect } from "node:util";
import { expect, test } from "vitest";
import { Credentials } from "./credentials.js";
import { digestOf, isToken, Secret } from "./secret.js";

test("a secret is not seen, however it is printed", () => {
  const secret = new Secret("hunter2hunter2hunter2");
  const held = { secret, credentials: new Credentials({ token: secret }) };
  for (const text of [`${secret}`, JSON.stringify(held), inspect(held, { depth: 9, showHidden: true })])
    expect(text).not.toContain("hunter2");
  expect(secret.reveal()).toBe("hunter2hunter2hunter2");
});

test("a token is recognised by its digest, whatever the length of what is presented", () => {
  const digest = digestOf(new Secret("a-token-of-a-person"));
  expect(isToken("a-token-of-a-person", digest)).toBe(true);
  for (const other of ["", "a", "a-token-of-a-persoN", "a-token-of-a-person-"])
    expect(isToken(other, digest)).toBe(false);
});
