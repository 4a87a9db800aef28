import type { Distribution } from "@vmcslab/faults";
import { describe, expect, it } from "vitest";
import { parseDelay } from "./delay-text.js";

const parse = (text: string) => parseDelay(text, (path) => `/cwd/${path}`);

describe("a delay on the command line", () => {
  it.each<[string, Distribution]>([
    ["constant:5ms", { constant: 5_000_000 }],
    ["uniform:min=1ms,max=2ms", { uniform: { min: 1_000_000, max: 2_000_000 } }],
    ["exponential:mean=1.5us", { exponential: { mean: 1_500 } }],
    ["logNormal:p50=1ms,p99=20ms", { logNormal: { p50: 1_000_000, p99: 20_000_000 } }],
    ["pareto:scale=1ms,shape=1.5", { pareto: { scale: 1_000_000, shape: 1.5 } }],
  ])("%s", async (text, expected) => {
    expect(await parse(text)).toEqual(expected);
  });

  it("is not every text: a file's name is none", async () => {
    expect(await parse("experiments/round-robin.yaml")).toBeUndefined();
  });

  it.each([
    ["lognormal:p50=1ms", 'lognormal:p50=1ms: unknown key "lognormal"; did you mean "logNormal"?'],
    ["logNormal:p50=1ms", "logNormal:p50=1ms: logNormal.p99: is missing"],
    ["uniform:min=1ms,mx=2ms", 'unknown key "mx"; did you mean "max"?'],
    ["constant:5", 'constant:5: constant: a duration needs a unit, and quotes do not hurt: write "5s"'],
    ["constant:", "constant: not a duration; write a number and us, ms, s or min"],
    ["uniform:5ms", 'uniform: must be a group of settings, not "5ms"'],
    ["uniform:min=2ms,max=1ms", "uniform: `min` must not be above `max`"],
    ["empirical:", "empirical: must be the path of a file with one duration per line"],
    ["empirical:none.txt", "/cwd/none.txt: there is no such file"],
  ])("is refused with what to change: %s", async (text, message) => {
    await expect(parse(text)).rejects.toThrow(message);
  });
});
