import { type ChildProcess, fork, spawn } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CpuClient, cpuWire, systemClock, TraceClient } from "@vmcslab/runtime";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkRun, type RunCheck } from "../../packages/lab/src/check/index.js";
import { describeSilence, writeRecording } from "../../packages/lab/src/check/recording.js";
import { settleEvents } from "../../packages/lab/src/target/embedded/event-counts.js";
import { type RunningTrace, startTrace } from "../../services/trace/src/index.js";
import { ROOT } from "./cli-process.js";

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const stops: (() => unknown)[] = [];
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vmcslab-survive-"));
});

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  await rm(directory, { recursive: true });
});

async function until(condition: () => Promise<boolean> | boolean, timeoutMs = 10_000): Promise<void> {
  const end = systemClock.monoNs() + timeoutMs * 1e6;
  while (!(await condition())) {
    if (systemClock.monoNs() > end) throw new Error(`not within ${timeoutMs} ms`);
    await systemClock.sleep(10);
  }
}

/** A process that dies as soon as it has asked HTTP/2 to send something: in the microtasks of the same turn of the event loop, or later. */
function programThatDies(when: "microtask" | "later"): string {
  const die = 'process.kill(process.pid, "SIGKILL")';
  const later = `setTimeout(() => ${die}, 200)`;
  return `
    import { connect, createServer } from "node:http2";
    const afterSending = () => ${when === "microtask" ? `queueMicrotask(() => ${die})` : later};
    const [role, port] = process.argv.slice(1);
    if (role === "server") {
      const server = createServer();
      server.on("stream", (stream) => {
        // The first chunk comes from a turn that does not kill, as on a stream that is open for long.
        stream.respond();
        stream.write("open");
        stream.on("data", () => { stream.write("answer"); afterSending(); });
      });
      server.listen(0, "127.0.0.1", () => console.log(server.address().port));
    } else {
      const stream = connect("http://127.0.0.1:" + port).request({ ":method": "POST" });
      stream.on("data", () => { stream.write("next"); afterSending(); });
    }
  `;
}

function start(when: "microtask" | "later", ...args: string[]): ChildProcess {
  const child = spawn(process.execPath, ["--input-type=module", "-e", programThatDies(when), ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  stops.push(() => child.kill("SIGKILL"));
  return child;
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once("exit", () => resolve()));
}

/** What arrives from a server that dies right after it answered. */
async function heardFromServer(when: "microtask" | "later"): Promise<string> {
  const child = start(when, "server");
  const gone = ended(child);
  const port = await new Promise<string>((resolve) =>
    child.stdout?.once("data", (chunk: Buffer) => resolve(chunk.toString("utf8").trim())),
  );
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  const stream = session.request({ ":method": "POST" });
  let heard = "";
  stream.on("error", () => {});
  stream.on("data", (chunk: Buffer) => {
    heard += chunk.toString("utf8");
    if (heard === "open") stream.write("go");
  });
  await gone;
  await systemClock.sleep(50);
  session.destroy();
  return heard;
}

/** What arrives from a client that dies right after it wrote. */
async function heardFromClient(when: "microtask" | "later"): Promise<string> {
  let heard = "";
  const server = createServer();
  server.on("sessionError", () => {});
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => {
      heard += chunk.toString("utf8");
    });
    stream.respond();
    stream.write("go");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await ended(start(when, "client", String(port)));
  await systemClock.sleep(50);
  server.close();
  return heard;
}

describe("what a turn of the event loop sends", () => {
  test("is not outside of the process before the turn's microtasks have run", async () => {
    for (let round = 0; round < 5; round++) {
      expect(await heardFromServer("microtask")).toBe("open");
      expect(await heardFromClient("microtask")).toBe("");
    }
    // Else the above would show nothing.
    expect(await heardFromServer("later")).toBe("openanswer");
    expect(await heardFromClient("later")).toBe("next");
  }, 30_000);
});

// A process of its own runs the built service, as all tests that start processes do.
const CPU_SERVICE = new URL("../../services/cpu/dist/index.js", import.meta.url).href;
const PROGRAM = `
  import { startCpu } from ${JSON.stringify(CPU_SERVICE)};
  const cpu = await startCpu({ cpu: 0, host: "h", bus: JSON.parse(process.argv[2]) });
  process.once("disconnect", () => process.exit(0));
  process.send(cpu.address);
`;

interface Cpu {
  readonly name: string;
  readonly address: string;
  readonly client: CpuClient;
  readonly kill: () => Promise<void>;
}

async function startCpu(bus: object): Promise<Cpu> {
  const program = join(directory, "cpu.mjs");
  writeFileSync(program, PROGRAM);
  const child = fork(program, [JSON.stringify(bus)], {
    env: { ...process.env, VMCSLAB_LOG_LEVEL: "silent" },
    execArgv: [],
  });
  stops.push(() => child.kill("SIGKILL"));
  const gone = ended(child);
  const address = await new Promise<string>((resolve) => child.once("message", (message) => resolve(String(message))));
  const client = new CpuClient(address);
  stops.push(() => client.close());
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await gone;
  };
  return { name: "cpu0", address, client, kill };
}

/** Has it do things that are an event each, until it is killed. The number that it answered. */
async function workUntilKilled({ client, kill }: Cpu, forMs: number): Promise<number> {
  let answered = 0;
  let killed: Promise<void> | undefined;
  // Outside of VMX operation it is #UD: vm.fail.
  while ((await client.request({ $case: "vmptrst", value: { mode: cpuWire.ProcessorMode.RING0 } })).ok) {
    killed ??= systemClock.sleep(forMs).then(kill);
    answered++;
  }
  await killed;
  return answered;
}

async function livesOf(trace: RunningTrace) {
  const client = new TraceClient(trace.address);
  const counts = await client.counts();
  client.close();
  if (!counts.ok) throw new Error(counts.error.message);
  return counts.value.sources.toSorted((left, right) => left.incarnation - right.incarnation);
}

async function traced(): Promise<RunningTrace> {
  const trace = await startTrace({ directory: join(directory, "history"), logger: silent });
  stops.push(() => trace.stop());
  return trace;
}

/** What a run does at its end. */
async function settled(trace: RunningTrace, sources: readonly Cpu[]) {
  const client = new TraceClient(trace.address);
  const settlement = await settleEvents(sources, client, []);
  client.close();
  await writeRecording(join(directory, "history"), settlement);
  return settlement;
}

/** What a check of the run's folder says. */
function checked(): Promise<RunCheck> {
  return checkRun(join(directory, "history"), { around: 0, listedMax: 1 });
}

describe("a CPU that is killed", () => {
  test("loses no event that anybody can know of, once it is started again with its spool", async () => {
    const trace = await traced();
    const bus = { traceAddress: trace.address, spool: join(directory, "spool") };
    const answered: number[] = [];
    for (let round = 0; round < 4; round++) answered.push(await workUntilKilled(await startCpu(bus), 60 + 37 * round));
    const last = await startCpu(bus);
    const settlement = await settled(trace, [last]);
    const lives = await livesOf(trace);
    expect(lives).toHaveLength(5);
    for (const [round, count] of answered.entries()) {
      expect(lives[round]).toMatchObject({ ended: true, lost: 0 });
      expect(lives[round]?.stored).toBeGreaterThanOrEqual(count);
      expect(count).toBeGreaterThan(0);
    }
    expect(settlement).toMatchObject({ silent: [], unended: [], events: { lost: 0 } });
    expect((await checked()).doubts).not.toContainEqual(expect.stringMatching("was killed"));
    // The last life's own is all that is left.
    expect(readdirSync(join(directory, "spool")).filter((name) => name.endsWith(".spool"))).toHaveLength(1);
  });

  test("while the bus is away loses none either", async () => {
    const trace = await traced();
    const { address } = trace;
    await trace.stop();
    const bus = { traceAddress: address, spool: join(directory, "spool") };
    const first = await startCpu(bus);
    const answered = await workUntilKilled(first, 150);
    const second = await startCpu(bus);
    const again = await startTrace({ directory: join(directory, "history"), listen: address, logger: silent });
    stops.push(() => again.stop());
    await until(async () => (await livesOf(again)).some(({ ended }) => ended));
    const settlement = await settled(again, [second]);
    expect((await livesOf(again))[0]).toMatchObject({ ended: true, lost: 0 });
    expect((await livesOf(again))[0]?.stored).toBeGreaterThanOrEqual(answered);
    expect(settlement).toMatchObject({ silent: [], unended: [], events: { lost: 0 } });
  });

  test("without a spool makes the verdict unknown when it is started again, and its life is named", async () => {
    const trace = await traced();
    const bus = { traceAddress: trace.address };
    await workUntilKilled(await startCpu(bus), 100);
    const second = await startCpu(bus);
    const settlement = await settled(trace, [second]);
    const check = await checked();
    const [life] = await livesOf(trace);
    expect(life?.ended).toBe(false);
    expect(settlement.unended).toMatchObject([{ source: "cpu0", incarnation: life?.incarnation }]);
    expect(check.verdict).toBe("unknown");
    expect(check.doubts).toContain(
      `cpu0 was killed in its life ${life?.incarnation}: it never said where its events end, ${life?.published} are known`,
    );
  });

  test("without having published anything is missed all the same", async () => {
    const trace = await traced();
    const bus = { traceAddress: trace.address };
    const first = await startCpu(bus);
    await until(async () => (await livesOf(trace)).length === 1);
    await first.kill();
    const second = await startCpu(bus);
    const settlement = await settled(trace, [second]);
    expect(describeSilence(settlement)).toMatchObject([expect.stringMatching(/^cpu0 was killed .* 0 are known$/)]);
  });
});
