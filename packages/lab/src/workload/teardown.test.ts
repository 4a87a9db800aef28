import { compareEvents, Sanitizer } from "@vmcslab/history";
import { expect, it } from "vitest";
import { testHost, workloadContext } from "../../test-support/test-host.js";
import { teardownWorkload } from "./teardown.js";

const CPUS = 4;

async function run(
  by: "vmxoff" | "destroy",
  spread: number,
  { vcpus = 1, warmup }: { vcpus?: number; warmup?: string } = {},
) {
  const { host, history } = testHost({ cpus: CPUS, poolSize: 8 });
  const context = workloadContext(host, CPUS);
  const options = { l2Guests: 8, spread, by, repeat: 6, ...(warmup === undefined ? {} : { warmup }) };
  const report = await teardownWorkload({ teardown: options }, vcpus, 7).run(context);
  expect(context.host.findings).toMatchObject({ violations: [], failures: [], gaps: [] });
  const sanitizer = new Sanitizer();
  for (const event of history.toSorted(compareEvents)) sanitizer.observe(event);
  expect(sanitizer.finish({ complete: true }).violations).toEqual([]);
  return { context, history, report };
}

it.each(["vmxoff", "destroy"] as const)(
  "by %s: of 8 vmcs02s on 4 CPUs 6 are cleared from another CPU, each time",
  async (by) => {
    const { history, report, context } = await run(by, CPUS);
    expect(report).toMatchObject({ kind: "teardown", facts: { teardowns: 6, vmcs02sPerTeardown: 8 } });
    const operations = history.filter(
      ({ kind, instruction }) => kind === "op.begin" && instruction === (by === "destroy" ? "destroyVcpu" : "runL1"),
    );
    const teardowns = operations.map(
      ({ operation }) => history.filter((event) => event.operation === operation && event.kind === "ipi.acked").length,
    );
    expect(teardowns.filter((cleared) => cleared === 6)).toHaveLength(6);
    const unit = by === "destroy" ? "a DestroyVcpu" : "a VMXOFF of L1";
    expect(context.load.report(context.latencies)).toMatchObject({ unit, done: 6, unfinished: 0 });
    expect(context.latencies.summary()[by]?.count).toBe(6);
  },
);

it("on one CPU there is nothing to fetch from another", async () => {
  const { history } = await run("vmxoff", 1);
  expect(history.filter(({ kind }) => kind === "ipi.sent")).toEqual([]);
});

it.each(["vmxoff", "destroy"] as const)(
  "by %s: several vcpus share the work, and the warm-up comes on top",
  async (by) => {
    const { context, report } = await run(by, 2, { vcpus: 3, warmup: "4 units" });
    expect(report.facts).toMatchObject({ teardowns: 10 });
    expect(context.load.report(context.latencies)).toMatchObject({ done: 6, warmup: { units: 4 } });
  },
);
