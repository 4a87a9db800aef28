import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../errors.js";
import { formatScenario, parseScenario } from "./parse.js";
import { scenarioReference } from "./reference.js";
import { runScenario } from "./run.js";

const run = (text: string): ReturnType<typeof runScenario> => runScenario("x.txt", parseScenario("x.txt", text));
const outputOf = (command: string): string[] => run(`${command}\n----\n`).outputs.flat();

describe("scenario files", () => {
  test("docs/scenarios.md lists every command as it is", () => {
    const docs = readFileSync(new URL("../../../../docs/scenarios.md", import.meta.url), "utf8");
    expect(docs).toContain(scenarioReference());
  });

  test("an output that differs is reported with the line of its command, and rewritten in place", () => {
    const text = "# keep me\n\nhost cpus=1\n----\nok\n\n# and me\ncounters\n----\nwrong\n\n# the end\n";
    const { report, outputs } = run(text);
    expect(report.differences).toMatchObject([{ file: "x.txt", line: 8, commands: ["counters"], expected: ["wrong"] }]);
    const rewritten = formatScenario(parseScenario("x.txt", text), outputs);
    expect(run(rewritten).report.differences).toEqual([]);
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
  ])("%s: says what to change", (command, message) => {
    expect(() => outputOf(command)).toThrow(message);
    expect(() => outputOf(command)).toThrow(UsageError);
  });

  test.each([
    ["", "x.txt: no command in it"],
    ["host\n", 'x.txt:1: the last commands have no line "----"'],
    ["host\n\ncpus\n----\n", 'x.txt:2: expected a line "----" after the commands'],
  ])("a file that is no scenario is refused: %j", (text, message) => {
    expect(() => run(text)).toThrow(message);
  });

  test("no text crashes the parser or a command: it is run or refused", () => {
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
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), (words) => {
        try {
          run(`create-vcpu cpu=0\n----\n\n${words.join(" ").replaceAll(" \n ", "\n")}\n----\n`);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
    );
  });
});
