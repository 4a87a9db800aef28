import { UsageError } from "@vmcslab/lab/errors";
import { describe, expect, it } from "vitest";
import { logLevel, natsUrl } from "./settings.js";

describe("VMCSLAB_LOG_LEVEL", () => {
  it("is one of the levels, or says nothing", () => {
    expect(logLevel({ VMCSLAB_LOG_LEVEL: "debug" })).toBe("debug");
    expect(logLevel({ VMCSLAB_LOG_LEVEL: "" })).toBeUndefined();
    expect(logLevel({})).toBeUndefined();
  });

  it("that is none is refused with all of them", () => {
    expect(() => logLevel({ VMCSLAB_LOG_LEVEL: "loud" })).toThrow(
      new UsageError(
        'VMCSLAB_LOG_LEVEL: "loud" is not a level; it is one of trace, debug, info, warn, error, fatal, silent',
      ),
    );
  });
});

describe("the address of NATS", () => {
  it.each([
    "nats://127.0.0.1:4222",
    "nats://nats",
    "nats:4222",
    "tls://user:secret@bus.example:4222",
    "nats://[::1]:4222",
    "[::1]:4222",
  ])("%s", (url) => {
    expect(natsUrl(url, {})).toBe(url);
    expect(natsUrl(undefined, { NATS_URL: url })).toBe(url);
  });

  it.each(["garbage", "http://127.0.0.1:4222", "nats://", "nats://a b:1", "nats://a:many", "nats://a:1,nats://b:2"])(
    "is not %s",
    (url) => {
      expect(() => natsUrl(url, {})).toThrow(
        new UsageError(`--nats: "${url}" is not the address of a NATS server; write nats://host:4222`),
      );
    },
  );

  it("is not shown with its password", () => {
    expect(() => natsUrl(undefined, { NATS_URL: "http://me:secret@a:1" })).toThrow(
      /^NATS_URL: "http:\/\/…@a:1" is not/,
    );
  });
});
