import { CPU_MODELS } from "@vmcslab/vmx";
import { describe, expect, it } from "vitest";
import { UsageError } from "../errors.js";
import { loadExperiment, parseExperiment } from "./load.js";
import { parseSetFlag } from "./override.js";

const ROUND_ROBIN = `name: test
machine: { cpus: 2, vcpus: 2 }
workload:
  roundRobin:
    duration: 1s
    migrations: 200/s
`;

/** The message that a file is refused with. */
function refusal(text: string, ...sets: string[]): string {
  try {
    parseExperiment(
      text,
      "e.yaml",
      sets.map((set) => parseSetFlag(set, "/cwd")),
    );
  } catch (thrown) {
    if (thrown instanceof UsageError) return thrown.message;
    throw thrown;
  }
  throw new Error("it was accepted");
}

describe("an experiment file", () => {
  it("gets its defaults", () => {
    const { experiment } = parseExperiment(ROUND_ROBIN, "e.yaml");
    expect(experiment).toMatchObject({ seed: "auto", machine: { cpus: 2, poolSize: 1 }, thresholds: {} });
    expect(experiment.workload).toMatchObject({ roundRobin: { l2Guests: 2, entriesPerTurn: 1, duration: "1s" } });
  });

  it("may have x-* keys, anchors and merge keys", () => {
    const text = `x-size: &size { cpus: 3 }\n${ROUND_ROBIN.replace("{ cpus: 2, vcpus: 2 }", "{ <<: *size, x-note: hi }")}`;
    expect(parseExperiment(text, "e.yaml").experiment.machine.cpus).toBe(3);
  });

  it("resolves a capture's path from the file", () => {
    const { experiment } = parseExperiment("name: a\nworkload: { kvmTrace: c/t.txt }", "/some/where/e.yaml");
    expect(experiment.workload).toMatchObject({ kvmTrace: "/some/where/c/t.txt" });
  });

  it.each([
    [
      "name: a\nworkload:\n  roundRobin: { duration: 1s, migratons: 1/s }",
      'e.yaml:3:31: unknown key "migratons"; did you mean "migrations"?',
    ],
    [
      "nam: a\nworkload: { kvmTrace: t }",
      'e.yaml:1:1: name: is missing\ne.yaml:1:1: unknown key "nam"; did you mean "name"?',
    ],
    ["name: a\nworkload: { kvmTrac: t }", 'e.yaml:2:13: unknown key "kvmTrac"; did you mean "kvmTrace"?'],
    ["name: a\nworkload: {}", "e.yaml:2:1: workload: needs one of kvmTrace, roundRobin, migrate, teardown"],
    ["name: a", "e.yaml:1:1: workload: needs one of kvmTrace, roundRobin, migrate, teardown"],
    [
      "name: A B\nworkload: { kvmTrace: t }",
      "e.yaml:1:1: name: must be lower-case letters, digits and dashes: it names a folder",
    ],
    [
      "name: a\nworkload: { roundRobin: { duration: 5 } }",
      'e.yaml:2:27: workload.roundRobin.duration: a duration needs a unit, and quotes do not hurt: write "5s"',
    ],
    [
      "name: a\nworkload: { roundRobin: { duration: 5s, migrations: 200 } }",
      'e.yaml:2:41: workload.roundRobin.migrations: a rate needs a unit, and quotes do not hurt: write "200/s"',
    ],
    [
      "name: a\nworkload: { roundRobin: {} }",
      "e.yaml:2:13: workload.roundRobin: needs exactly one of `entries` and `duration`",
    ],
    [
      "name: a\nmachine: { cpus: many }\nworkload: { kvmTrace: t }",
      "e.yaml:2:12: machine.cpus: must be a whole number from 1 to 64",
    ],
    ...["0", "1e9", "1.5", "65"].map((cpus) => [
      `name: a\nmachine: { cpus: ${cpus} }\nworkload: { kvmTrace: t }`,
      "e.yaml:2:12: machine.cpus: must be a whole number from 1 to 64",
    ]),
    [
      "name: a\nmachine: { cpuModel: haswel }\nworkload: { kvmTrace: t }",
      `e.yaml:2:12: machine.cpuModel: must be one of ${Object.keys(CPU_MODELS).join(", ")}, not "haswel"; did you mean "corei7_haswell_4770"?`,
    ],
    [
      "name: a\nworkload: { kvmTrace: t, roundRobin: { entries: 4 } }",
      "e.yaml:2:1: workload: exactly one workload may be given, not both kvmTrace and roundRobin",
    ],
    [
      "name: a\nworkload: { kvmTrace: t }\n---\nname: b\n",
      "e.yaml:3:1: a second document begins here; an experiment file holds one",
    ],
    [
      "name: a\nworkload: { kvmTrace: t, timing: keep }",
      'e.yaml:2:26: workload.timing: must be one of asap, kept, not "keep"; did you mean "kept"?',
    ],
    [
      'name: a\nworkload: { kvmTrace: t }\nthresholds:\n  operations.vmresum.latencyUs.p99: "< 5ms"',
      'e.yaml:4:3: thresholds.operations.vmresum.latencyUs.p99: unknown metric; did you mean "operations.vmresume.latencyUs.p99"?',
    ],
    [
      'name: a\nworkload: { kvmTrace: t }\nthresholds: { operations.vmresume.latencyUs.p99: "< 5" }',
      'e.yaml:3:15: thresholds.operations.vmresume.latencyUs.p99: a latency needs a unit: write "< 5ms"',
    ],
    [
      "name: a\nworkload: { migrate: { moves: 5, load: { open: { rate: 200 } } } }",
      'e.yaml:2:50: workload.migrate.load.open.rate: a rate needs a unit, and quotes do not hurt: write "200/s"',
    ],
    [
      "name: a\nworkload: { migrate: { moves: 5, load: { open: { rate: 0/s } } } }",
      "e.yaml:2:50: workload.migrate.load.open.rate: must be more than 0",
    ],
    [
      "name: a\nworkload: { migrate: { moves: 5, load: opened } }",
      'e.yaml:2:34: workload.migrate.load: must be one of closed, open, not "opened"; did you mean "open"?',
    ],
    [
      "name: a\nworkload: { roundRobin: { entries: 5, load: { opne: 1 } } }",
      'e.yaml:2:47: unknown key "opne"; did you mean "open"?',
    ],
    [
      "name: a\nworkload: { migrate: { moves: 5, warmup: 500 } }",
      'e.yaml:2:34: workload.migrate.warmup: a warm-up needs a unit, and quotes do not hurt: write "500 units"',
    ],
    [
      "name: a\nworkload: { migrate: { moves: 5, duration: 5s } }",
      "e.yaml:2:13: workload.migrate: needs exactly one of `moves` and `duration`",
    ],
    [
      "name: a\nworkload: { migrate: { moves: 5, fieldsWritten: 25 } }",
      "e.yaml:2:34: workload.migrate.fieldsWritten: must be a whole number from 0 to 24",
    ],
    [
      "name: a\nmachine: { cpus: 1 }\nworkload: { migrate: { moves: 5 } }",
      "e.yaml:3:13: workload.migrate: a vcpu needs a CPU to move to: set machine.cpus to 2 or more",
    ],
    [
      "name: a\nmachine: { poolSize: 2 }\nworkload: { teardown: { l2Guests: 3, spread: 5 } }",
      [
        "e.yaml:3:25: workload.teardown.l2Guests: 3 L2 guests keep their vmcs02s only in a pool as large: set machine.poolSize to 3 or more",
        "e.yaml:3:38: workload.teardown.spread: the host has 4 CPUs to spread over: set machine.cpus to 5 or more",
      ].join("\n"),
    ],
    [
      "name: a\nmachine: { poolSize: 4, design: single }\nworkload: { teardown: { l2Guests: 4 } }",
      "e.yaml:3:25: workload.teardown.l2Guests: 4 L2 guests share the one vmcs02 of machine.design single: set machine.design to pool",
    ],
    [
      "name: a\nmachine: { poolSize: 4 }\nworkload: { teardown: { warmup: 2s } }",
      'e.yaml:3:25: workload.teardown.warmup: not a warm-up of this workload; write a number of teardowns, such as "20 units"',
    ],
    [
      "name: a\nworkload: { migrate: { duration: faults } }",
      "e.yaml:2:24: workload.migrate.duration: there are no faults to last as long as",
    ],
    [
      'name: a\nworkload: { migrate: { moves: 5 } }\nthresholds: { load.respnseUs.p99: "< 5ms" }',
      'e.yaml:3:15: thresholds.load.respnseUs.p99: unknown metric; did you mean "load.responseUs.p99"?',
    ],
    [
      "name: [a",
      "e.yaml:1:9: not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]",
    ],
    ["name: a\nname: b", "e.yaml:2:1: not YAML: Map keys must be unique"],
    ["name: *nobody", "e.yaml:1:7: not YAML: Unresolved alias (the anchor must be set before the alias): nobody"],
    ["", "e.yaml:1:1: must be a group of settings, not empty"],
    ["- 1", "e.yaml:1:1: must be a group of settings, not a list"],
  ])("is refused with file, line and column: %j", (text, message) => {
    expect(refusal(text)).toBe(message);
  });

  it("is not there", async () => {
    await expect(loadExperiment("/nowhere/e.yaml")).rejects.toThrow("/nowhere/e.yaml: there is no such file");
  });
});

describe("--set", () => {
  it("puts a value over the file's, and says so when it is wrong", () => {
    const { experiment, originOf } = parseExperiment(ROUND_ROBIN, "e.yaml", [parseSetFlag("machine.cpus=3", "/")]);
    expect(experiment.machine.cpus).toBe(3);
    expect(originOf(["machine", "cpus"])).toBe("--set machine.cpus=3");
    expect(originOf(["machine", "vcpus"])).toBe("e.yaml:2:21");
    expect(originOf(["seed"])).toBe("default");
    expect(refusal(ROUND_ROBIN, "machine.cpus=0")).toContain("--set machine.cpus=0: machine.cpus: ");
    expect(refusal(ROUND_ROBIN, "machine.cpu=1")).toBe('--set machine.cpu=1: unknown key "cpu"; did you mean "cpus"?');
  });

  it("workload.kvmTrace replaces the other kind of workload, from the current directory", () => {
    const { experiment } = parseExperiment(ROUND_ROBIN, "/dir/e.yaml", [
      parseSetFlag("workload.kvmTrace=t.txt", "/cwd"),
    ]);
    expect(experiment.workload).toEqual({ kvmTrace: "/cwd/t.txt", timing: "asap", repeat: 1, placement: "capture" });
  });

  it("reaches the entries of a list by number or by name", () => {
    const text = `${ROUND_ROBIN}faults: [{ do: crashL0 }, { name: slow, at: 1s, do: { stall: { cpu: 1 } } }]\n`;
    const sets = ["faults.slow.at=2s", "faults.1.do.stall.cpu=0", "faults.0.for=3s"];
    const { experiment, originOf } = parseExperiment(
      text,
      "e.yaml",
      sets.map((set) => parseSetFlag(set, "/")),
    );
    expect(experiment.faults).toMatchObject([{ for: "3s" }, { at: "2s", do: { stall: { cpu: 0 } } }]);
    expect(originOf(["faults", 1, "at"])).toBe("--set faults.slow.at=2s");
    expect(refusal(text, "faults.slow.at=soon")).toMatch(/^--set faults\.slow\.at=soon: faults\.1\.at: /);
    expect(refusal(text, "faults.2.at=1s")).toBe(
      '--set faults.2.at=1s: faults has no entry "2": they are 0 to 1, or slow',
    );
    expect(refusal(`${ROUND_ROBIN}faults: []\n`, "faults.x.at=1s")).toBe(
      '--set faults.x.at=1s: faults has no entry "x": it has no entries',
    );
  });

  it("workload.kvmTrace keeps the file's other settings of a replay", () => {
    const text = "name: a\nworkload: { kvmTrace: t, repeat: 7 }";
    const { experiment } = parseExperiment(text, "/dir/e.yaml", [parseSetFlag("workload.kvmTrace=u.txt", "/cwd")]);
    expect(experiment.workload).toMatchObject({ kvmTrace: "/cwd/u.txt", repeat: 7 });
  });

  it("is refused when it is not a path and a value", () => {
    expect(() => parseSetFlag("machine.cpus", "/")).toThrow("--set machine.cpus: write it as --set a.b=value");
    expect(() => parseSetFlag("a..b=1", "/")).toThrow("write it as --set a.b=value");
    expect(() => parseSetFlag("a=[1", "/")).toThrow("--set a=[1: not a YAML value");
    expect(refusal(ROUND_ROBIN, "name.x=1")).toBe('--set name.x=1: "name" is not a group of settings');
    expect(refusal(ROUND_ROBIN, "__proto__.x=1")).toContain('unknown key "__proto__"');
  });
});
