/** Runs one script per vcpu side by side, and takes everything down again whatever happens. */
import { createEnduring } from "./enduring.js";
import { L1Stopped, L1Vcpu } from "./l1-vcpu.js";
import { OperationFailed } from "./measured-host.js";
import type { WorkloadContext } from "./workload.js";

/** What a vcpu does between its creation and its end. */
export interface VcpuScript {
  /** CPU that it is created on. */
  readonly cpu: number;
  run(l1: L1Vcpu): Promise<void>;
  /** Told what L1 saw that must not be. Default: it is a violation. */
  readonly unexpected?: (message: string) => void;
}

/** Runs the scripts to their end. What goes wrong inside is in the findings; anything else is a bug, and thrown. */
export async function runVcpus(scripts: readonly VcpuScript[], context: WorkloadContext): Promise<void> {
  await runSideBySide(
    scripts.map((script) => () => runVcpu(script, context)),
    context,
  );
}

/** The same for what uses one vcpu after another. `leave`: when all have ended, before no vcpu may be left. */
export async function runSideBySide(
  parts: readonly (() => Promise<void>)[],
  context: WorkloadContext,
  leave: () => Promise<void> = async () => {},
): Promise<void> {
  const ends = await Promise.allSettled(parts.map((part) => part()));
  const bugs = ends.flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
  if (bugs.length > 0) throw bugs[0];
  await leave();
  await expectNoVcpus(context);
}

/** From the creation of a vcpu to its end. */
export async function runVcpu(script: VcpuScript, context: WorkloadContext): Promise<void> {
  const { host } = context;
  await survive(async () => {
    const create = (cpu: number) => L1Vcpu.create(host, cpu, script.unexpected);
    const l1 = await createEnduring(create, script.cpu, context);
    const went = await survive(() => script.run(l1));
    if (went) await survive(() => l1.finish());
    await survive(() => l1.destroy());
  });
}

/** Runs a part; false when it ended in something that is in the findings already. */
export async function survive(part: () => Promise<void>): Promise<boolean> {
  try {
    await part();
    return true;
  } catch (thrown) {
    if (thrown instanceof L1Stopped || thrown instanceof OperationFailed) return false;
    throw thrown;
  }
}

/** Invariant 7 from outside: after everything was destroyed, L0 knows no vcpu. */
async function expectNoVcpus({ host }: WorkloadContext): Promise<void> {
  await survive(async () => {
    const left = await host.listVcpus();
    // Where an operation failed, what is left is a consequence.
    if (left.length === 0 || host.findings.failureCount > 0) return;
    const message = `vcpus ${left.join(", ")} are left after everything was destroyed`;
    host.findings.violation({ invariant: 7, check: "vcpusLeft", message });
  });
}
