import { afterEach, expect, test } from "vitest";
import { drainOption } from "./drain-flag.js";

afterEach(() => {
  delete process.env.CPU_DRAIN;
});

test("from the flag, else from the environment, else the default", () => {
  expect(drainOption(undefined)).toEqual({});
  expect(drainOption("0s")).toEqual({ drainMs: 0 });
  process.env.CPU_DRAIN = "500ms";
  expect(drainOption(undefined)).toEqual({ drainMs: 500 });
  expect(drainOption("1.5s")).toEqual({ drainMs: 1500 });
});

test.each([
  ["3.1s", "--drain: 3.1s is more than 3s"],
  ["1", '--drain: "1" is not a duration; write 500ms, 5s or 1min'],
])("%s is refused", (text, message) => {
  expect(() => drainOption(text)).toThrow(message);
});
