import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../errors.js";
import { formatScenario, parseScenario } from "./parse.js";
import { scenarioReference } from "./reference.js";
import { runScenario } from "./run.js";

const run = async (text: string): ReturnType<typeof runScenario> =>
  await runScenario("x.txt", parseScenario("x.txt", text));
const outputOf = async (command: string): Promise<string[]> => (await run(`${command}\n----\n`)).outputs.flat();

describe("scenario files", () => {
  test("docs/scenarios.md lists every command as it is", () => {
    const docs = readFileSync(new URL("../../../../docs/scenarios.md", import.meta.url), "utf8");
    expect(docs).toContain(scenarioReference());
  });

  test("an output that differs is reported with the line of its command, and rewritten in place", async () => {
    const text = "# keep me\n\nhost cpus=1\n----\nok\n\n# and me\ncounters\n----\nwrong\n\n# the end\n";
    const { report, outputs } = await run(text);
    expect(report.differences).toMatchObject([{ file: "x.txt", line: 8, commands: ["counters"], expected: ["wrong"] }]);
    const rewritten = formatScenario(parseScenario("x.txt", text), outputs);
    expect((await run(rewritten)).report.differences).toEqual([]);
    expect(rewritten.split("\n").filter((line) => line.startsWith("#"))).toEqual([
      "# keep me",
      "# and me",
      "# the end",
    ]);
  });

  test.each([
    ["hots cpus=1", 'x.txt:1: no command "hots"; did you mean "host"?'],
    ["host cpu=1", 'x.txt:1: host has no argument "cpu"; did you mean "cpus"?'],
    ["host cpus=-1", "x.txt:1: cpus=-1: a whole number from 0"],
    ["create-vcpu", "x.txt:1: create-vcpu needs cpu=… (it takes cpu, pool, vm)"],
    ["l1 vcpu=0 vmxonn addr=1", 'x.txt:1: no instruction "vmxonn"; did you mean "vmxon"?'],
    ["l1 vcpu=0 vmxon addr=zz", "x.txt:1: addr=zz: a number (decimal or 0x…)"],
    ["exit vcpu=0 reason=CPUIDD", 'x.txt:1: reason=CPUIDD: a number or one of KVM\'s names; did you mean "CPUID"?'],
    ["kill cpu=9", "x.txt:1: the host has no CPU 9: there are 0, 1"],
    ["host model=pentium", "x.txt:1: no CPU model"],
    ["host lost-cpu=shoot", "x.txt:1: lost-cpu=shoot: one of wait, fence, kill"],
    ["host lost-cpu=fence lease=0ms", "x.txt:1: lease=0ms: must be longer than 0"],
    ["host latency=5", "x.txt:1: latency=5: a duration with its unit"],
    ["advance 5", "x.txt:1: advance 5: a duration with its unit"],
    ["start move", "x.txt:1: start needs a name and an operation"],
    ["start look cpus", "x.txt:1: cpus is done at once: it cannot be started"],
    ["start move place vcpu=0 cpi=1", 'x.txt:1: place has no argument "cpi"; did you mean "cpu"?'],
    ["wait move", 'x.txt:1: no operation "move" is under way'],
    ["fault partitoin", 'x.txt:1: no fault "partitoin"; did you mean "partition"?'],
    ["fault stall cpu=7", "x.txt:1: fault stall: do.stall.cpu: there is no CPU 7"],
    ["fault dropReply method=completion", "x.txt:1: fault dropReply: match.method: dropReply is for requests"],
    ["fault delay to=cpu0", "x.txt:1: fault needs by=…"],
    ["fault crash cpu=0 when=later", "x.txt:1: fault crash: do.crash.when: must be one of now"],
    ["toString", 'x.txt:1: no command "toString"'],
  ])("%s: says what to change", async (command, message) => {
    await expect(outputOf(command)).rejects.toThrow(message);
    await expect(outputOf(command)).rejects.toThrow(UsageError);
  });

  test.each([
    ["", "x.txt: no command in it"],
    ["host\n", 'x.txt:1: the last commands have no line "----"'],
    ["host\n\ncpus\n----\n", 'x.txt:2: expected a line "----" after the commands'],
  ])("a file that is no scenario is refused: %j", async (text, message) => {
    await expect(run(text)).rejects.toThrow(message);
  });

  test("time passes only while a command waits, and by what was said", async () => {
    const { outputs } = await run(
      "host cpus=1 lost-cpu=fence lease=5ms drift=10000\nfault partition cpu=0 for=20ms\ncpus\n----\n\nadvance 4.9ms\n----\n\nadvance 0.15ms\n----\n\nadvance 0.1ms\n----\n",
    );
    expect(outputs.slice(1)).toEqual([
      [],
      ["+0.1ms lease.expired: cpu0 (life 1), active VMCSs: 0"],
      ["+0.051011ms cpu.fenced: cpu0 (life 1)", "+0.051011ms cpu.lost: cpu0, VMCSs there: 0"],
    ]);
  });

  test("heartbeats are shown when they are asked for", async () => {
    const { outputs } = await run("host cpus=1\n----\n\nadvance 1ms beats\n----\n\nadvance 1ms\n----\n");
    expect(outputs[1]).toEqual(["+1ms cpu0 → beat", "+1ms cpu0 ← grant"]);
    expect(outputs[2]).toEqual([]);
  });

  test("what breaks an invariant fails the scenario, whatever was expected", async () => {
    // A clock that runs at half its rate, which L0 does not reckon with: a batch that was slow is executed after the fence.
    const { report } = await run(
      [
        "host cpus=2 lost-cpu=fence lease=5ms drift=0 resend=1ms",
        "create-vcpu cpu=0",
        "fault clockSkew clock=cpu0 ppm=-500000",
        "advance 1ms",
        "fault reorder to=cpu0 method=interrupt nth=1 by=7ms",
        "start move place vcpu=0 cpu=1",
        "fault partition cpu=0 for=30ms",
        "advance 8ms",
        "----",
        "",
      ].join("\n"),
    );
    expect(report.violations.join()).toContain("outlives-lease");
  });

  test("no text crashes the parser or a command: it is run or refused", async () => {
    const word = fc.constantFrom(
      "host",
      "l1",
      "exit",
      "vcpu=0",
      "cpu=1",
      "cpus=0",
      "vmxon",
      "addr=0xffffffffffffffff",
      "reason=2",
      "----",
      "\n",
      "#",
      "=",
      "pool=3",
      ...[
        "start",
        "a",
        "place",
        "offline",
        "wait",
        "advance",
        "3ms",
        "fault",
        "partition",
        "crashL0",
        "for=2ms",
        "heal",
      ],
      ...["crash-clear-all", "kill", "restart", "lost-cpu=kill"],
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 12 }), async (words) => {
        try {
          await run(`create-vcpu cpu=0\n----\n\n${words.join(" ").replaceAll(" \n ", "\n")}\n----\n`);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
    );
  });
});
