import type { HistoryEvent } from "@vmcslab/history";
import { compareEvents, Sanitizer } from "@vmcslab/history";
import { describe, expect, it } from "vitest";
import { testHost, workloadContext } from "../../test-support/test-host.js";
import type { MigrateWorkload } from "../experiment/workload-schema.js";
import type { Host } from "../host.js";
import { migrateWorkload } from "./migrate.js";
import { WRITABLE_FIELDS } from "./writable-fields.js";

type Options = MigrateWorkload["migrate"];

const OPTIONS: Options = { while: "l2", fieldsWritten: 0, moves: 60, load: "closed" };

function violationsOf(history: readonly HistoryEvent[]): string[] {
  const sanitizer = new Sanitizer();
  for (const event of history.toSorted(compareEvents)) sanitizer.observe(event);
  return sanitizer.finish({ complete: true }).violations.map(({ message }) => message);
}

async function run(options: Partial<Options>, { cpus = 4, vcpus = 2, seed = 7 } = {}) {
  const { host, history, writtenBack } = testHost({ cpus, poolSize: 1 });
  const context = workloadContext(host, cpus);
  const workload = migrateWorkload({ migrate: { ...OPTIONS, ...options } }, vcpus, cpus, seed);
  const report = await workload.run(context);
  expect(context.host.findings).toMatchObject({ violations: [], failures: [], gaps: [] });
  expect(violationsOf(history)).toEqual([]);
  return { context, history, writtenBack, workload, report };
}

const kindsOf = (history: readonly HistoryEvent[], kind: HistoryEvent["kind"]) =>
  history.filter((event) => event.kind === kind);

describe("migrate", () => {
  it.each(["l2", "l1", "idle"] as const)(
    "while %s: each move is one cross-CPU clear, and nothing breaks",
    async (state) => {
      const { history, report, context } = await run({ while: state });
      expect(report).toMatchObject({ kind: "migrate", facts: { moves: 60 } });
      const placed = kindsOf(history, "vcpu.placed");
      expect(placed).toHaveLength(60);
      expect(placed.every(({ cpu, to }) => cpu !== to)).toBe(true);
      // What L2's L1 does at the end comes on top: its vmcs01 stayed where it was.
      expect(kindsOf(history, "ipi.acked").length).toBeGreaterThanOrEqual(60);
      expect(kindsOf(history, "ipi.acked").length).toBeLessThanOrEqual(state === "l2" ? 62 : 60);
      expect(context.load.report(context.latencies)).toMatchObject({ unit: "a PlaceVcpu", done: 60, intended: 60 });
      expect(context.latencies.summary().place?.count).toBe(60);
    },
  );

  it("while idle: another vcpu runs on the CPU, so nobody is interrupted in a guest of the one that moves", async () => {
    const { workload, context } = await run({ while: "idle", fieldsWritten: 1 });
    expect(workload.vcpus).toBe(6);
    expect(workload.notes[0]).toContain(
      "move while another vcpu runs, 1 fields written between two moves, 60 moves, and 4 vcpus that stay",
    );
    expect(context.latencies.summary().exitL1?.count).toBe(2 * 62);
  });

  it.each([0, 1, 12, WRITABLE_FIELDS.length])("L1 finds all %i fields as L2 left them", async (fieldsWritten) => {
    const { context } = await run({ fieldsWritten });
    expect(context.latencies.summary().inspect?.count).toBe(fieldsWritten === 0 ? undefined : 2);
    expect(context.latencies.summary().exitL2?.count).toBe(fieldsWritten === 0 ? undefined : 62);
  });

  it.each(["l2", "l1", "idle"] as const)(
    "while %s: each field that the guest writes is one more to write back",
    async (state) => {
      for (const fieldsWritten of [0, 1, 12, WRITABLE_FIELDS.length]) {
        const { writtenBack } = await run({ while: state, fieldsWritten });
        // The first move of each vcpu writes everything back that was ever written.
        expect(writtenBack.slice(0, 2).every((fields) => fields >= 50)).toBe(true);
        expect(writtenBack.slice(2, 60)).toEqual(Array(58).fill(fieldsWritten + 3));
      }
    },
  );

  it("sees a lost update", async () => {
    const { host } = testHost({ cpus: 2, poolSize: 1 });
    const context = workloadContext(forgetful(host), 2);
    await migrateWorkload({ migrate: { ...OPTIONS, fieldsWritten: 3 } }, 1, 2, 7).run(context);
    expect(context.host.findings.violations).toMatchObject(Array(3).fill({ invariant: 4, check: "lostUpdate" }));
  });

  it("is the same for the same seed, and another for another", async () => {
    const targets = async (seed: number) =>
      kindsOf((await run({}, { seed })).history, "vcpu.placed").map(({ to }) => to);
    expect(await targets(7)).toEqual(await targets(7));
    expect(await targets(8)).not.toEqual(await targets(7));
  });
});

/** Every VMREAD answers zero. */
function forgetful(host: Host): Host {
  return {
    ...host,
    runL1: async (vcpu, instructions) => {
      const answer = await host.runL1(vcpu, instructions);
      if (!answer.ok) return answer;
      const value = answer.value.map((outcome) => (outcome.value === undefined ? outcome : { ...outcome, value: 0n }));
      return { ok: true, value };
    },
  };
}
