import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UsageError } from "../errors.js";
import { readDelays, readFaults } from "./faults.js";
import { parseExperiment } from "./load.js";
import { settingsOf } from "./origins.js";
import { refuseFaults } from "./refuse-faults.js";

const HEAD = "name: a\nworkload: { kvmTrace: t }\n";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vmcslab-faults-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An experiment with these faults, the first of which begins at line 4. */
const load = (faults: string, file = join(folder, "e.yaml")) => parseExperiment(`${HEAD}faults:\n${faults}`, file);

async function faultsOf(faults: string) {
  return await readFaults(load(faults).experiment);
}

function refusal(faults: string): string {
  try {
    load(faults, "e.yaml");
  } catch (thrown) {
    if (thrown instanceof UsageError) return thrown.message;
    throw thrown;
  }
  throw new Error("it was accepted");
}

describe("a fault of an experiment file", () => {
  it("becomes one of the vocabulary, with its kind's lease", async () => {
    expect(
      await faultsOf(`
- name: slow
  at: 5ms
  for: 1s
  match: { to: cpu, method: vmclear, probability: 0.1 }
  do: { delay: { logNormal: { p50: 1ms, p99: 20ms } } }
- { on: { event: ipi.sent, nth: 3 }, do: { crash: { cpu: 3, when: beforeFlush } } }
- { match: { from: l0, nth: 2 }, do: dropReply }
- { for: forever, do: { stall: { cpu: 0 } } }
`),
    ).toEqual([
      {
        name: "slow",
        at: 5_000_000,
        forNs: 1_000_000_000,
        match: { to: "cpu", method: "vmclear", probability: 0.1 },
        action: { kind: "delay", delay: { logNormal: { p50: 1_000_000, p99: 20_000_000 } } },
      },
      {
        on: { event: "ipi.sent", nth: 3 },
        forNs: 1_000_000_000,
        action: { kind: "crash", cpu: 3, when: "beforeFlush" },
      },
      { at: 0, match: { from: "l0", nth: 2 }, action: { kind: "dropReply" } },
      { at: 0, action: { kind: "stall", cpu: 0 } },
    ]);
  });

  it.each([
    ["crashL0", { kind: "crashL0" }],
    ["stopBus", { kind: "stopBus" }],
    ["{ partition: { cpu: 1 } }", { kind: "partition", cpu: 1 }],
    ["{ crash: { cpu: 1 } }", { kind: "crash", cpu: 1, when: "now" }],
    [
      "{ clockSkew: { clock: cpu2, ppm: -200, offset: -5ms } }",
      { kind: "clockSkew", clock: 2, ppm: -200, offsetNs: -5_000_000 },
    ],
    ["{ clockSkew: { clock: l0, ppm: 50 } }", { kind: "clockSkew", clock: "l0", ppm: 50, offsetNs: 0 }],
    ["{ refuseAllocation: { what: page } }", { kind: "refuseAllocation", what: "page", times: 1 }],
    ["{ offline: { cpu: 1 } }", { kind: "offline", cpu: 1 }],
    ["{ online: { cpu: 1 } }", { kind: "online", cpu: 1 }],
  ])("does to the host: %s", async (text, action) => {
    expect(await faultsOf(`- { do: ${text} }`)).toMatchObject([{ action }]);
  });

  it.each([
    ["dropRequest", { kind: "dropRequest" }],
    ["duplicate", { kind: "duplicate", copies: 1 }],
    ["{ duplicate: { copies: 3 } }", { kind: "duplicate", copies: 3 }],
    ["reorder", { kind: "reorder", byNs: 10_000_000 }],
    ["{ reorder: { by: 2ms } }", { kind: "reorder", byNs: 2_000_000 }],
    ["{ reorder: {} }", { kind: "reorder", byNs: 10_000_000 }],
    ["error", { kind: "error", definite: true }],
    ["{ error: { definite: false } }", { kind: "error", definite: false }],
    ["{ delay: { constant: 0.5us } }", { kind: "delay", delay: { constant: 500 } }],
    [
      "{ delay: { pareto: { scale: 1ms, shape: 1.5 } } }",
      { kind: "delay", delay: { pareto: { scale: 1_000_000, shape: 1.5 } } },
    ],
  ])("does to messages: %s", async (text, action) => {
    expect(await faultsOf(`- { match: {}, do: ${text} }`)).toMatchObject([{ match: {}, action }]);
  });

  it("reads measured delays from a file beside its own, sorted", async () => {
    writeFileSync(join(folder, "delays.txt"), "# measured\n3ms\n\n250us # the best\n1ms\n");
    const { experiment } = load("- { match: {}, do: { delay: { empirical: delays.txt } } }");
    expect(await readDelays(experiment)).toEqual([
      { name: "delay#0", delay: { empirical: [250_000, 1_000_000, 3_000_000] } },
    ]);
    writeFileSync(join(folder, "delays.txt"), "1ms\nsoon\n");
    await expect(readFaults(experiment)).rejects.toThrow(
      `${join(folder, "delays.txt")}:2: "soon" is not a duration; write one per line, such as 250us`,
    );
    writeFileSync(join(folder, "delays.txt"), "# none\n");
    await expect(readFaults(experiment)).rejects.toThrow("delays.txt: no durations");
  });

  it.each([
    ["- { match: {}, do: dropReqest }", /:4:16: faults\.0\.do: must be one of .*; did you mean "dropRequest"\?$/],
    ["- { do: { stal: { cpu: 0 } } }", /:4:11: unknown key "stal"; did you mean "stall"\?$/],
    ["- { do: { stall: { cp: 0 } } }", /unknown key "cp"; did you mean "cpu"\?/],
    ["- { do: stall }", /faults\.0\.do: stall needs settings: write \{ stall: … \}$/],
    ["- { match: {}, do: { dropReply: {} } }", /faults\.0\.do: dropReply takes no settings: write the name alone$/],
    [
      "- { do: { stall: { cpu: 0 }, crash: { cpu: 0 } } }",
      /exactly one action may be given, not both stall and crash$/,
    ],
    ["- { match: {} }", /faults\.0\.do: needs one of dropRequest, /],
    ["- { match: {}, do: { delay: { lognormal: {} } } }", /unknown key "lognormal"; did you mean "logNormal"\?$/],
    ["- { match: {}, do: { delay: { constant: 5 } } }", /a duration needs a unit, and quotes do not hurt: write "5s"$/],
    ["- { match: {}, do: { delay: { uniform: { min: 2ms, max: 1ms } } } }", /`min` must not be above `max`$/],
    ["- { match: {}, do: { delay: { logNormal: { p50: 2ms, p99: 1ms } } } }", /`p50` must not be above `p99`$/],
    ["- { match: {}, do: { delay: { logNormal: { p50: 0ms, p99: 1ms } } } }", /`p50` must be longer than 0$/],
    ["- { match: {}, do: { delay: { pareto: { scale: 1ms, shape: 0 } } } }", /shape: must be a number above 0$/],
    ["- { match: { method: vmclaer }, do: dropReply }", /method: must be one of .*; did you mean "vmclear"\?$/],
    ["- { match: { from: cpus }, do: dropReply }", /match\.from: must be "l0", "cpu" \(any of them\) or a CPU/],
    ["- { match: { from: cpu03 }, do: dropReply }", /match\.from: must be "l0", "cpu" \(any of them\) or a CPU/],
    ["- { match: {}, do: { reorder: { by: 0ms } } }", /do\.reorder\.by: must be longer than 0$/],
    ["- { match: { probability: 2 }, do: dropReply }", /probability: must be a number from 0 to 1$/],
    ["- { match: { nth: 0 }, do: dropReply }", /nth: must be a whole number from 1 to 1000000000$/],
    ["- { match: { to: cpu9 }, do: dropReply }", /there is no CPU 9: machine\.cpus is 4, so they are 0 to 3$/],
    ["- { do: { crash: { cpu: 4 } } }", /:4:20: faults\.0\.do\.crash\.cpu: there is no CPU 4/],
    ["- { do: { clockSkew: { clock: cpu4 } } }", /do\.clockSkew\.clock: there is no CPU 4/],
    ["- { do: dropRequest }", /:4:3: faults\.0: dropRequest strikes messages: say which with `match`/],
    ["- { match: {}, do: crashL0 }", /:4:5: faults\.0\.match: crashL0 strikes no messages: remove `match`$/],
    ["- { match: { method: completion }, do: dropReply }", /dropReply is for requests: match "batch" to/],
    ["- { on: { event: ipi.snt }, do: crashL0 }", /there is no event kind "ipi\.snt"; did you mean "ipi\.sent"\?$/],
    ["- { at: 1s, on: { event: ipi.sent }, do: crashL0 }", /begins either `at` a time or `on` an event: remove one$/],
    ["- { for: 0ms, do: crashL0 }", /faults\.0\.for: must be longer than 0$/],
    ["- { for: ever, do: crashL0 }", /for: not a duration; .*, or "forever"$/],
    [
      "- { match: {}, do: dropReply, repeat: { times: 2, every: { constant: 1s } } }",
      /repeat: only what ends begins again: say `for` how long it lasts$/,
    ],
    ["- { do: { stall: { cpu: some } } }", /stall\.cpu: must be the number of a CPU, or "any"$/],
    ["- { for: 1s, do: { online: { cpu: 0 } } }", /`online` is over when it has happened: remove `for`$/],
    ["- { name: a, do: crashL0 }\n- { name: a, do: stopBus }", /:5:5: faults\.1\.name: another fault is called "a"$/],
  ])("is refused with what to change: %s", (text, message) => {
    expect(refusal(text)).toMatch(message);
  });
});

describe("a live run", () => {
  it.each([
    [
      "{ on: { event: vmcs.clear }, do: { crash: { cpu: 1 } } }",
      "e.yaml:4:3: faults.0: vmcs.clear is stated by CPUs, and L0, which injects, does not see it in time",
    ],
    [
      "{ on: { event: ipi.sent }, repeat: { times: 2, every: { constant: 1s } }, do: { crash: { cpu: 1 } } }",
      "e.yaml:4:3: faults.0: what begins at an event begins once on a live host",
    ],
    ["{ match: {}, do: { reorder: { by: 1ms } } }", "e.yaml:4:3: faults.0: 1ms is shorter than the 2 ms"],
    [
      "{ match: {}, do: { delay: { exponential: { mean: 400us } } } }",
      "e.yaml:4:3: faults.0: nearly all of this delay is shorter than the 2 ms",
    ],
  ])("refuses what processes cannot do, with the place and the reason: %s", async (fault, message) => {
    await expect(refuseFaults(load(`- ${fault}`, "e.yaml"))).rejects.toThrow(message);
  });

  it.each([
    "{ do: crashL0 }",
    "{ on: { event: ipi.sent }, do: { crash: { cpu: any, when: afterFlush } } }",
    "{ do: { crash: { cpu: any } }, repeat: { times: 9, every: { exponential: { mean: 100ms } } } }",
    "{ match: {}, do: { delay: { exponential: { mean: 500us } } } }",
  ])("injects %s", async (fault) => {
    await expect(refuseFaults(load(`- ${fault}`, "e.yaml"))).resolves.toBeUndefined();
  });

  it("refuses leases that are too short for processes", async () => {
    const fence = (lease: string) => parseExperiment(`${HEAD}machine: { lostCpu: fence, lease: ${lease} }`, "e.yaml");
    await expect(refuseFaults(fence("99ms"))).rejects.toThrow(
      "e.yaml:3:28: machine.lease: 99ms is too short for processes",
    );
    await expect(refuseFaults(fence("100ms"))).resolves.toBeUndefined();
  });

  it("has leases of 5 s, if the experiment does not say", async () => {
    const plain = parseExperiment(HEAD, "e.yaml");
    await expect(refuseFaults(plain)).resolves.toBeUndefined();
    expect(settingsOf(plain)).toContainEqual({ path: "machine.lease", value: "5s", origin: "default" });
    expect(() => parseExperiment(`${HEAD}machine: { lease: 0ms }`, "e.yaml")).toThrow("must be longer than 0");
  });
});
