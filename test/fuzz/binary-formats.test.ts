import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VMCS12_REVISION, vmcs12Instructions } from "@vmcslab/lab";
import { Hypervisor } from "@vmcslab/nested";
import {
  encodeDelimited,
  eventBatchToWire,
  JournalDamaged,
  L0Client,
  openJournal,
  requireCpuModel,
  systemClock,
} from "@vmcslab/runtime";
import { DEFAULT_CPU_MODEL } from "@vmcslab/vmx";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkRun } from "../../packages/lab/src/check/check-run.js";
import { writeRecording } from "../../packages/lab/src/check/recording.js";
import { UsageError } from "../../packages/lab/src/errors.js";
import { MOVE, numbered, positionsOf, writeHistory } from "../../packages/lab/test-support/recorded-run.js";
import { recoverLives } from "../../packages/runtime/src/bus/spool/recover.js";
import { frame, MAGIC } from "../../packages/runtime/src/journal/frames.js";
import { startCpu } from "../../services/cpu/src/index.js";
import { DurableState, fromJournal } from "../../services/l0/src/durable-state.js";
import { startL0 } from "../../services/l0/src/index.js";
import { nearlyBytes } from "./binaries.js";
import { kept } from "./corpus.js";
import { runs, SEED, timeout } from "./effort.js";
import { message } from "./messages.js";
import { messageNamed } from "./services.js";
import { nearly } from "./texts.js";
import { untilServing } from "./until.js";

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const TAKES_MS = timeout(60_000);

let folder: string;
/** A journal file as L0 writes it, and its records. */
let journal: Buffer;
let records: Uint8Array[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "vmcslab-fuzz-files-"));
  const path = join(folder, "journal");
  await writeJournal(path);
  journal = readFileSync(path);
  const written = await openJournal({ kind: "file", path, sync: false }, { host: "h", clock: systemClock });
  records = (await written?.read()) ?? [];
  await written?.close();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Two vcpus on two CPUs, one of them in L2. */
async function writeJournal(path: string): Promise<void> {
  const l0 = await startL0({ journal: { kind: "file", path, sync: false }, logger: silent });
  const cpus = [
    await startCpu({ cpu: 0, l0Address: l0.address, logger: silent }),
    await startCpu({ cpu: 1, l0Address: l0.address, logger: silent }),
  ];
  for (const cpu of cpus) await untilServing(cpu.address);
  const client = new L0Client(l0.address);
  for (const cpu of [0, 1]) {
    const created = await client.createVcpu({ cpu });
    if (!created.ok) throw new Error(created.error.message);
    const setup = [
      { op: "write32", addr: 0x1000n, value: VMCS12_REVISION },
      { op: "vmxon", addr: 0x1000n },
    ] as const;
    await client.runL1(created.value, [
      ...setup,
      ...vmcs12Instructions(0x2000n),
      ...(cpu === 0 ? [] : [{ op: "vmlaunch" } as const]),
    ]);
  }
  client.close();
  for (const cpu of cpus) await cpu.stop();
  await l0.stop();
}

describe("a file of bytes that is nearly what it should be", () => {
  test(
    "a journal: L0 goes on from it, or says that it is damaged",
    async () => {
      const rewritten = fc
        .tuple(
          fc.constantFrom(...records.keys()),
          fc.oneof(nearlyBytes(records), message(messageNamed("JournalEntry"))),
        )
        .map(([at, record]) =>
          Buffer.concat([MAGIC, ...records.map((good, index) => frame(index === at ? record : good))]),
        );
      const input = fc.oneof({ weight: 3, arbitrary: rewritten }, nearlyBytes([journal]));
      let restored = 0;
      await fc.assert(
        fc.asyncProperty(input, async (bytes) => {
          restored += (await isJournalTaken(bytes)) ? 1 : 0;
        }),
        { seed: SEED, numRuns: runs(250), endOnFailure: true },
      );
      expect(restored).toBeGreaterThan(10);
    },
    TAKES_MS,
  );

  test(
    "a spool: its events are published, or it is put aside",
    async () => {
      const events = numbered(MOVE).filter(({ source }) => source === "l0");
      const batch = { host: "h", source: "l0", incarnation: 1 };
      const good = Buffer.concat([
        encodeDelimited(eventBatchToWire({ ...batch, firstSeq: 1, events: [] })),
        encodeDelimited(eventBatchToWire({ ...batch, firstSeq: 1, events: events.slice(0, 2) })),
        encodeDelimited(eventBatchToWire({ ...batch, firstSeq: 3, events: events.slice(2) })),
      ]);
      let published = 0;
      await fc.assert(
        fc.asyncProperty(nearlyBytes([good]), async (bytes) => {
          const directory = mkdtempSync(join(folder, "spool-"));
          writeFileSync(join(directory, "h.l0.1.1.spool"), bytes);
          const options = { directory, host: "h", source: "l0", isOwn: () => false, logger: silent };
          await recoverLives({
            ...options,
            publish: async ({ events }) => {
              published += events.length;
            },
          });
          expect(readdirSync(directory).filter((name) => name.endsWith(".spool"))).toEqual([]);
          rmSync(directory, { recursive: true });
        }),
        { seed: SEED, numRuns: runs(200), endOnFailure: true },
      );
      expect(published).toBeGreaterThan(100);
    },
    TAKES_MS,
  );

  test(
    "a history: it is checked, or refused with words",
    async () => {
      const good = mkdtempSync(join(folder, "run-"));
      const events = numbered(MOVE);
      const directory = writeHistory(good, events);
      await writeRecording(directory, { positions: positionsOf(events), silent: [] });
      const names = readdirSync(directory).filter((name) => name.endsWith(".events"));
      const files = names.map((name) => readFileSync(join(directory, name)));
      const recording = readFileSync(join(directory, "recording.json"), "utf8");
      const input = fc.oneof(
        fc.record({ at: fc.constantFrom(...names), bytes: nearlyBytes(files) }),
        fc.record({ at: fc.constant("recording.json"), bytes: nearly([recording]) }),
      );
      const verdicts = new Set<string>();
      await fc.assert(
        fc.asyncProperty(input, async ({ at, bytes }) => {
          const run = mkdtempSync(join(folder, "run-"));
          mkdirSync(join(run, "history"));
          names.forEach((name, index) => {
            writeFileSync(join(run, "history", name), files[index] ?? "");
          });
          writeFileSync(join(run, "history", "recording.json"), recording);
          writeFileSync(join(run, "history", at), bytes);
          verdicts.add(await verdictOf(run));
          rmSync(run, { recursive: true });
        }),
        { seed: SEED, numRuns: runs(120), endOnFailure: true },
      );
      expect([...verdicts]).toEqual(expect.arrayContaining(["valid", "unknown", "refused"]));
    },
    TAKES_MS,
  );
});

describe("what once was not refused with words", () => {
  test.each(kept("journal"))("journal $file", async ({ bytes }) => {
    expect(await isJournalTaken(bytes)).toBe(false);
  });

  test.each(kept("history"))("history $file", async ({ file, bytes }) => {
    const run = mkdtempSync(join(folder, "run-"));
    writeFileSync(join(run, file), bytes);
    expect(await verdictOf(run)).toBe("refused");
  });
});

async function verdictOf(run: string): Promise<string> {
  try {
    return (await checkRun(run, { around: 2, listedMax: 5 })).verdict;
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    return "refused";
  }
}

/** Whether it could be gone on from. */
async function isJournalTaken(bytes: Buffer): Promise<boolean> {
  const path = join(folder, "hurt");
  writeFileSync(path, bytes);
  const file = await openJournal({ kind: "file", path, sync: false }, { host: "h", clock: systemClock });
  if (file === undefined) throw new Error("there is a journal");
  try {
    const durable = await DurableState.open(file, 1, silent);
    const config = {
      poolSize: 1,
      memoryPages: 4096,
      l1MemoryBytes: 64 * 1024 * 1024,
      model: requireCpuModel(DEFAULT_CPU_MODEL),
      lostVmcs: "rebuild",
    } as const;
    const nothing = (): void => undefined;
    fromJournal(() => new Hypervisor(config, { emit: nothing, begin: nothing, record: nothing }, durable.remembered));
    return true;
  } catch (thrown) {
    if (!(thrown instanceof JournalDamaged)) throw thrown;
    return false;
  } finally {
    await file.close();
  }
}
