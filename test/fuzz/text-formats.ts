/** Every text that a user may give, with how it is read and samples of what it should be. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { drawPlan, replayPlan } from "@vmcslab/sim";
import { planReplay } from "../../packages/lab/src/capture/plan.js";
import { readCaptureLines } from "../../packages/lab/src/capture/read.js";
import { runExec } from "../../packages/lab/src/exec/run-exec.js";
import { runTraces } from "../../packages/lab/src/exec/traces/run-traces.js";
import { readFaults } from "../../packages/lab/src/experiment/faults.js";
import { parseExperiment } from "../../packages/lab/src/experiment/load.js";
import { parseSetFlag } from "../../packages/lab/src/experiment/override.js";
import { parseSamples } from "../../packages/lab/src/experiment/samples.js";
import { parsePlanFile, planText } from "../../packages/lab/src/explore/plan-file.js";
import { cpuModelCalled, mutantCalled } from "../../packages/lab/src/explore/setup.js";
import { parseScenario } from "../../packages/lab/src/scenario/parse.js";
import { runScenario } from "../../packages/lab/src/scenario/run.js";
import { planStudy } from "../../packages/lab/src/study/plan.js";
import { ROOT } from "../integration/cli-process.js";

export interface TextFormat {
  readonly name: string;
  readonly samples: readonly string[];
  /** Throws or rejects with UsageError, or ends. */
  readonly read: (text: string) => unknown;
  /** Inputs per run of the tests: some take longer than others. */
  readonly runs: number;
}

const FOUND = { mutant: null, cpuModel: "tigerlake", rule: "leak", message: "one page", digest: "0123456789abcdef" };
/** A plan may take as long as it says. Those that are run here are short. */
const PLAN_OPERATIONS_MAX = 60;
/** A scenario may wait as long as it says; so much of one is run here. */
const SCENARIO_ADVANCE = /\b(?:advance|wait)\b/;

const STUDY = `name: study
workload: { roundRobin: { l2Guests: 3, entries: 100, migrations: every 5 entries } }
faults: [{ name: late, for: 1s, match: {}, do: { delay: { constant: 5ms } } }]
matrix:
  machine.poolSize: [0, 1, 4]
  faults.late.for: [1s, 2s]
  workload.roundRobin.migrations: [never, 50/s]
  way: [processes, simulated]
exclude: [{ machine.poolSize: 0, way: simulated }]
repetitions: 5
`;

export const TEXT_FORMATS: readonly TextFormat[] = [
  {
    name: "experiment",
    samples: [...texts("experiments", ".yaml"), ...texts("experiments/faults", ".yaml"), STUDY],
    read: async (text) => {
      const loaded = parseExperiment(text, "f.yaml");
      planStudy(loaded, "processes");
      return readFaults(loaded.experiment);
    },
    runs: 250,
  },
  {
    name: "set",
    samples: ["machine.cpus=8", "faults=[{at: 1s, do: {stall: {cpu: 0}}}]", "seed=1"],
    read: (text) => parseSetFlag(text, "/"),
    runs: 200,
  },
  {
    name: "capture",
    samples: texts("experiments/captures", ".txt"),
    read: async (text) => planReplay(await readCaptureLines(text.split("\n"), "f.txt"), 4),
    runs: 300,
  },
  {
    name: "delays",
    samples: ["250us\n1ms # slow\n\n3s\n", "1ns\n"],
    read: (text) => parseSamples(text, "f.txt"),
    runs: 200,
  },
  {
    name: "program",
    samples: [PROGRAM()],
    read: (text) => runExec({ input: chunks(text), output: nowhere(), errors: nowhere() }),
    runs: 300,
  },
  {
    name: "traces",
    samples: recorded(),
    read: (text) => runTraces({ input: chunks(text), file: "f.jsonl", output: nowhere(), errors: nowhere() }),
    runs: 150,
  },
  {
    name: "plan",
    samples: [1, 2, 3, 4].map((seed) => planText({ ...FOUND, plan: short(seed) })),
    read: readPlan,
    runs: 200,
  },
  { name: "scenario", samples: texts("test/scenarios", ".txt"), read: readScenario, runs: 60 },
];

function PROGRAM(): string {
  const lines = [
    { op: "machine", cpus: 2 },
    { cpu: 0, op: "write32", addr: "0x3000", value: "0x2b" },
    { cpu: 0, op: "vmxon", addr: "0x1000" },
    { cpu: 0, op: "vmclear", addr: "0x3000" },
    { cpu: 0, op: "vmptrld", addr: "0x3000" },
    { cpu: 0, op: "vmwrite", field: "GUEST_RIP", value: "0x1234" },
    { cpu: 1, op: "vmread", field: "GUEST_RIP" },
    { cpu: 0, op: "vmlaunch" },
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

async function readPlan(text: string): Promise<void> {
  const { plan, mutant, cpuModel } = await parsePlanFile(text, "f.json");
  const saboteur = mutantCalled(mutant);
  const model = cpuModelCalled(cpuModel);
  if (plan.operations.length > PLAN_OPERATIONS_MAX) return;
  replayPlan(plan, { model, ...(saboteur === undefined ? {} : { saboteur: saboteur.create() }) });
}

async function readScenario(text: string): Promise<void> {
  const scenario = parseScenario("f.txt", text);
  const blocks = scenario.blocks.filter(({ commands }) =>
    commands.every((command) => !SCENARIO_ADVANCE.test(command.text)),
  );
  await runScenario("f.txt", { ...scenario, blocks });
}

function short(seed: number): ReturnType<typeof drawPlan> {
  const plan = drawPlan(seed);
  return { ...plan, operations: plan.operations.slice(0, 8) };
}

function texts(folder: string, ending: string): string[] {
  const names = readdirSync(join(ROOT, folder)).filter((name) => name.endsWith(ending));
  return names.map((name) => readFileSync(join(ROOT, folder, name), "utf8"));
}

/** The shortest of the recorded sequences. */
function recorded(): string[] {
  const lines = gunzipSync(readFileSync(join(ROOT, "test/conformance/data/directed.jsonl.gz")))
    .toString()
    .split("\n");
  return lines
    .filter((line) => line !== "")
    .sort((a, b) => a.length - b.length)
    .slice(0, 5);
}

async function* chunks(text: string): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}
