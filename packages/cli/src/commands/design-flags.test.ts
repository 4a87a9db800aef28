import { afterEach, expect, test } from "vitest";
import { designOptions } from "./design-flags.js";

const VARIABLES = ["DESIGN", "PREPARATION", "CLEARING"] as const;

afterEach(() => {
  for (const name of VARIABLES) delete process.env[name];
});

test("from flags, else from the environment; of each part that was not said nothing is chosen", () => {
  expect(designOptions({})).toEqual({ design: {} });
  process.env.DESIGN = "single";
  process.env.CLEARING = "perCpu";
  expect(designOptions({ clearing: "oneByOne", preparation: "incremental" })).toEqual({
    design: { vmcs02: "single", preparation: "incremental", clearing: "oneByOne" },
  });
});

test.each([
  [{ design: "sinle" }, '--design: "sinle" is not one of pool, single; did you mean "single"?'],
  [{ preparation: "dirty" }, '--preparation: "dirty" is not one of full, incremental'],
  [{ clearing: "atonce" }, '--clearing: "atonce" is not one of oneByOne, perCpu, atOnce; did you mean "atOnce"?'],
])("%j is refused", (flags, message) => {
  expect(() => designOptions(flags)).toThrow(message);
});
