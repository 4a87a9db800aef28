/** A whole host as processes: trace, L0, two CPUs of its, one CPU that belongs to nobody, and a host of one CPU that strangers take. And whether they are still well. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { VMCS12_REVISION, vmcs12Instructions } from "@vmcslab/lab";
import { CpuClient, FaultClient, historyFiles, L0Client, readHistory, TraceClient } from "@vmcslab/runtime";
import { expect } from "vitest";
import { checkRecording } from "../../packages/lab/src/check/check-recording.js";
import { type ServiceProcess, startService } from "../integration/service-process.js";
import { until, untilServing } from "./until.js";

export const HOST = "fuzzed";
const VMXON = 0x1000n;
const VMCS12 = 0x2000n;
/** Above what it used when it was warm. A leak of what is sent here is larger: every service takes some 100 MB of messages. */
const GROWTH_MB_MAX = 150;

export class FuzzedHost {
  readonly #warmMb = new Map<ServiceProcess, number>();

  private constructor(
    readonly directory: string,
    readonly trace: ServiceProcess,
    readonly l0: ServiceProcess,
    readonly cpus: readonly ServiceProcess[],
    /** It has no L0. */
    readonly lone: ServiceProcess,
    /** Another L0, and its only CPU. */
    readonly raided: { readonly l0: ServiceProcess; readonly cpu: ServiceProcess },
  ) {}

  static async start(): Promise<FuzzedHost> {
    const directory = await mkdtemp(join(tmpdir(), "vmcslab-fuzz-"));
    const trace = await startService(["trace", "--dir", directory]);
    const events = ["--trace", trace.address, "--host-name", HOST];
    const l0 = await startService(["l0", "--pool-size", "2", ...events]);
    const cpu = (id: number): Promise<ServiceProcess> =>
      startService(["cpu", "--id", `${id}`, "--l0", l0.address, ...events]);
    const cpus = await Promise.all([cpu(0), cpu(1)]);
    const lone = await startService(["cpu", "--id", "7", "--trace", trace.address, "--host-name", "lone"]);
    const l0Raided = await startService(["l0"]);
    const raided = { l0: l0Raided, cpu: await startService(["cpu", "--id", "0", "--l0", l0Raided.address]) };
    const host = new FuzzedHost(directory, trace, l0, cpus, lone, raided);
    await host.isServing();
    return host;
  }

  get services(): readonly ServiceProcess[] {
    return [this.trace, this.l0, ...this.cpus, this.lone, this.raided.l0, this.raided.cpu];
  }

  async stop(): Promise<void> {
    await Promise.all(this.services.map((service) => (isAlive(service) ? service.kill() : undefined)));
    await rm(this.directory, { recursive: true });
  }

  /** What they use now is what they use when they are warm. */
  measure(): void {
    for (const service of this.services) this.#warmMb.set(service, residentMb(service));
  }

  /** Every process is there and can do its work, and none has kept what it was sent. What was asked for and granted is taken back first. */
  async isWell(): Promise<void> {
    for (const service of this.services) expect(isAlive(service), describe(service)).toBe(true);
    await this.#heal();
    await this.isServing();
    await this.#worksAsEver();
    for (const service of this.services) {
      const grownMb = residentMb(service) - (this.#warmMb.get(service) ?? Number.POSITIVE_INFINITY);
      expect(grownMb, `MB that ${describe(service)} grew by`).toBeLessThan(GROWTH_MB_MAX);
    }
  }

  async isServing(): Promise<void> {
    for (const service of this.services) await untilServing(service.address);
  }

  /** What the host recorded: nothing is missing, and no invariant is broken. */
  async historyIsValid(): Promise<void> {
    const l0 = new L0Client(this.l0.address);
    const flushed = await l0.flushHost();
    l0.close();
    if (!flushed.ok) throw new Error(flushed.error.message);
    const trace = new TraceClient(this.trace.address);
    expect(await trace.flush()).toMatchObject({ ok: true });
    const counts = await trace.counts();
    trace.close();
    if (!counts.ok) throw new Error(counts.error.message);
    for (const source of counts.value.sources.filter(({ host }) => host === HOST || host === "lone"))
      expect(source).toMatchObject({ lost: 0, stored: source.published });
    const files = (await historyFiles(this.directory)).filter((file) => basename(file).startsWith(`${HOST}.`));
    const { positions } = flushed.value;
    const check = await checkRecording(files.map(readHistory), { positions, silent: [] });
    expect(check).toMatchObject({ verdict: "valid", doubts: [], proven: [] });
    expect(check.report.events).toBeGreaterThan(100);
  }

  /** What refused requests must not change, as text. */
  async look(): Promise<string> {
    const l0 = new L0Client(this.l0.address);
    const cpus = await l0.listCpus();
    const seen: unknown[] = [
      cpus.ok ? cpus.value.map(({ heartbeatAgeMs: _, state: __, ...rest }) => rest) : cpus,
      await l0.listVcpus(),
      await l0.host(),
    ];
    l0.close();
    const lone = new CpuClient(this.lone.address);
    seen.push(await lone.state());
    lone.close();
    return JSON.stringify(seen, (_key, value: unknown) => (typeof value === "bigint" ? `${value}` : value));
  }

  async #heal(): Promise<void> {
    for (const service of [this.l0, ...this.cpus, this.lone, this.raided.l0, this.raided.cpu]) {
      const faults = new FaultClient(service.address);
      expect(await faults.clear()).toMatchObject({ ok: true });
      faults.close();
    }
    const l0 = new L0Client(this.l0.address);
    for (const cpu of [0, 1]) {
      const online = async (): Promise<boolean> => (await l0.onlineCpu(cpu)).ok;
      await until(`CPU ${cpu} is online`, online);
    }
    const vcpus = await l0.listVcpus();
    if (!vcpus.ok) throw new Error(vcpus.error.message);
    for (const { vcpu } of vcpus.value) expect(await l0.destroyVcpu(vcpu)).toEqual({ ok: true, value: undefined });
    l0.close();
  }

  /** A vcpu comes, enters L2, moves, and goes; the other CPU executes an instruction. */
  async #worksAsEver(): Promise<void> {
    await this.#raidedWorks();
    const l0 = new L0Client(this.l0.address);
    const created = await l0.createVcpu({ cpu: 0 });
    if (!created.ok) throw new Error(created.error.message);
    const vcpu = created.value;
    const entered = await l0.runL1(vcpu, [
      { op: "write32", addr: VMXON, value: VMCS12_REVISION },
      { op: "vmxon", addr: VMXON },
      ...vmcs12Instructions(VMCS12),
      { op: "vmlaunch" },
    ]);
    expect(entered.ok ? entered.value.at(-1) : entered.error).toEqual({ status: "l2" });
    expect(await l0.placeVcpu(vcpu, 1)).toEqual({ ok: true, value: undefined });
    expect(await l0.nestedState(vcpu)).toMatchObject({ ok: true, value: { cpu: 1, guestMode: true } });
    expect(await l0.destroyVcpu(vcpu)).toEqual({ ok: true, value: undefined });
    l0.close();
    const lone = new CpuClient(this.lone.address);
    expect(await lone.request({ $case: "reset", value: { clearMemory: true } })).toMatchObject({ ok: true });
    expect(await lone.state()).toMatchObject({ ok: true, value: { vmxOperation: false } });
    lone.close();
  }

  /** L0 connects to its CPU again, which resets it, and uses it as before. */
  async #raidedWorks(): Promise<void> {
    const l0 = new L0Client(this.raided.l0.address);
    const works = async (): Promise<boolean> => {
      const created = await l0.createVcpu({ cpu: 0 });
      return created.ok && (await l0.destroyVcpu(created.value)).ok;
    };
    await until("the raided CPU is L0's again", works);
    l0.close();
  }
}

export function isAlive({ process: { exitCode, signalCode } }: ServiceProcess): boolean {
  return exitCode === null && signalCode === null;
}

function describe({ process: { spawnargs, exitCode, signalCode } }: ServiceProcess): string {
  return `${spawnargs.slice(2, 5).join(" ")} (exit ${exitCode}, ${signalCode})`;
}

function residentMb({ process: { pid } }: ServiceProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1024;
}
