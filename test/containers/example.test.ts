import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from "vitest";
import { type StartedVmcslabHost, VMCS12_REVISION, VmcslabHost, vmcs12Instructions } from "vmcslab/testcontainers";
import { buildImage, missing, ROOT } from "./engine.js";

const VMXON = 0x1000n;
const VMCS12 = 0x2000n;
let host: StartedVmcslabHost;

describe.skipIf(missing !== "")(`the example of docs/testcontainers.md, needs docker${missing}`, () => {
  beforeAll(async () => {
    buildImage();
    host = await new VmcslabHost().withCpus(4).withPoolSize(2).start();
  }, 300_000);
  afterAll(() => host?.stop());

  // <example>
  test("L2 is entered on CPU 0, and after a move on CPU 1", async () => {
    onTestFailed(async () => console.error(await host.logs()));
    const created = await host.l0.createVcpu({ cpu: 0 });
    if (!created.ok) throw new Error(created.error.message);
    const vcpu = created.value;
    const entered = await host.l0.runL1(vcpu, [
      { op: "write32", addr: VMXON, value: VMCS12_REVISION },
      { op: "vmxon", addr: VMXON },
      ...vmcs12Instructions(VMCS12),
      { op: "vmlaunch" },
    ]);
    expect(entered.ok && entered.value.at(-1)).toMatchObject({ status: "l2" });
    expect(await host.cpu(0).state()).toMatchObject({ ok: true, value: { nonRoot: true } });

    // L0 takes the vmcs02 back from CPU 0 with a cross-CPU clear. The vmcs01 stays until L1 runs again, as in KVM.
    expect(await host.l0.placeVcpu(vcpu, 1)).toMatchObject({ ok: true });
    expect(await host.cpu(0).state()).toMatchObject({ ok: true, value: { nonRoot: false, current: undefined } });
    expect(await host.cpu(1).state()).toMatchObject({ ok: true, value: { nonRoot: true } });

    // The flush on CPU 0 comes before L0's acknowledgement, in every history.
    const flushed = await host.event(({ kind, cpu, active }) => kind === "vmcs.clear" && cpu === 0 && active === true);
    const acked = await host.event(({ kind, from }) => kind === "ipi.acked" && from === 1);
    expect(flushed.lamport).toBeLessThan(acked.lamport);
    expect(await host.l0.destroyVcpu(vcpu)).toMatchObject({ ok: true });
  });
  // </example>
});

test("the page shows the example as it is run", () => {
  const [, example = ""] =
    /^ {2}\/\/ <example>\n([\s\S]*?)^ {2}\/\/ <\/example>$/m.exec(readFileSync(new URL(import.meta.url), "utf8")) ?? [];
  const page = readFileSync(`${ROOT}docs/testcontainers.md`, "utf8");
  expect(page).toContain(example.replaceAll(/^ {2}/gm, ""));
});
