import { describe, expect, test } from "vitest";
import { identityOf, identityUri, isServiceName, kindOf } from "./identity.js";

describe("who a certificate is of", () => {
  test.each(["l0", "trace", "cpu0", "cpu255"] as const)("%s, among other names", (name) => {
    expect(identityOf({ subjectaltname: `DNS:localhost, URI:${identityUri(name)}, IP Address:127.0.0.1` })).toBe(name);
  });

  test.each([
    ["there are no names", undefined],
    ["there is only a host's name", "DNS:cpu3"],
    ["it names two", `URI:${identityUri("l0")}, URI:${identityUri("cpu3")}`],
    ["it names no service of ours", "URI:urn:vmcslab:service:root"],
    ["its number has another form", "URI:urn:vmcslab:service:cpu03"],
    ["the name stands in another one", `DNS:"x, URI:${identityUri("l0")}"y`],
    ["it is another scheme's", "URI:urn:other:service:l0"],
  ])("nobody's: %s", (_, subjectaltname) => {
    expect(identityOf(subjectaltname === undefined ? {} : { subjectaltname })).toBeUndefined();
  });

  test("kinds", () => {
    expect([kindOf("l0"), kindOf("trace"), kindOf("cpu12"), kindOf("nats")]).toEqual(["l0", "trace", "cpu", undefined]);
    expect(["cpu", "cpu-1", "cpu1x", "L0"].filter(isServiceName)).toEqual([]);
  });
});
