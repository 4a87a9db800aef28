import { RandomStream } from "@vmcslab/faults";
import type { HistoryEvent } from "@vmcslab/history";
import type { Answer, Design, Hypervisor, LeaseTerms, LostVmcsPolicy, Operation } from "@vmcslab/nested";
import { SimHost } from "@vmcslab/sim";
import { CPU_MODELS, type CpuModel, cpuModelNamed } from "@vmcslab/vmx";
import { UsageError } from "../errors.js";
import { didYouMean } from "../text/suggest.js";
import { Log } from "./log.js";

export interface WorldConfig {
  readonly cpus: number;
  readonly poolSize: number;
  readonly design: Design;
  readonly memoryPages: number;
  readonly model: string;
  readonly lostVmcs: LostVmcsPolicy;
  readonly lease: LeaseTerms;
  readonly beatNs: number;
  readonly deadlineNs: number;
  readonly resendNs: number;
  readonly latencyNs: number;
}

/** An operation that a command asks L0 for; `ended` is told what it prints. */
export type Asked = (host: SimHost, ended: (lines: readonly string[]) => void) => void;

export function ask<T>(
  begin: (hypervisor: Hypervisor) => Operation<T>,
  render: (value: T) => readonly string[],
): Asked {
  return (host, ended) => host.start(begin, (answer) => ended(renderAnswer(answer, render)));
}

const L1_MEMORY_BYTES = 64 * 1024 * 1024;
/** More than any operation takes: each wait in it ends with a deadline. */
const PATIENCE_NS = 600e9;
/** In which a host comes up that has memory enough. */
const START_NS = 100e6;

/** The host of one scenario, in virtual time that passes only while a command waits; what happened on it since someone looked; and its history. */
export class World {
  readonly host: SimHost;
  readonly history: HistoryEvent[] = [];
  readonly #names = new Map<number, string>();
  readonly #log = new Log((region) => this.nameRegion(region));
  /** Operations begun and not ended, by the name that the scenario gave them. */
  readonly #underWay = new Set<string>();
  lifeOfL0 = 1;

  constructor(config: WorldConfig) {
    const { cpus, poolSize, design, memoryPages, lostVmcs, lease, beatNs, latencyNs } = config;
    this.host = new SimHost({
      name: "scenario",
      cpus,
      config: {
        poolSize,
        design,
        memoryPages,
        lostVmcs,
        l1MemoryBytes: L1_MEMORY_BYTES,
        model: modelByName(config.model),
      },
      lease,
      beatNs,
      deadlineMs: config.deadlineNs / 1e6,
      resendAfterMs: config.resendNs / 1e6,
      latency: () => latencyNs,
      inOrder: true,
      faults: [],
      random: new RandomStream("scenario"),
      observe: (event) => this.#observe(event),
      onMessage: (record) => this.#log.message(record),
    });
    this.#waitUntil(START_NS, () => this.host.isWhole);
    this.take();
  }

  get nowNs(): number {
    return this.host.scheduler.nowNs;
  }

  /** A command begins. */
  begin(): void {
    this.#log.begin(this.nowNs);
  }

  /** Lets time pass until the operation has ended: what happened meanwhile, then what the operation prints. */
  run(asked: Asked, { hidesBatches = false } = {}): string[] {
    let printed: readonly string[] | undefined;
    asked(this.host, (lines) => {
      printed = lines;
    });
    this.waitFor(() => printed !== undefined);
    return [...this.take(hidesBatches ? ["batch", "beat"] : ["beat"]), ...(printed ?? ["still under way"])];
  }

  /** Begins an operation that ends whenever it does. */
  start(name: string, asked: Asked): string[] {
    if (this.#underWay.has(name)) throw new UsageError(`an operation "${name}" is under way already`);
    this.#underWay.add(name);
    asked(this.host, (lines) => {
      this.#underWay.delete(name);
      for (const line of lines) this.#log.note(this.nowNs, `${name}: ${line}`);
    });
    // Nothing arrived yet, not even what takes no time.
    return this.#log.take(this.nowNs - 1, ["beat"]);
  }

  /** Until an operation that was started has ended. */
  wait(name: string): string[] {
    if (!this.#underWay.has(name))
      throw new UsageError(`no operation "${name}" is under way${didYouMean(name, this.#underWay)}`);
    this.waitFor(() => !this.#underWay.has(name));
    return [...this.take(), ...(this.#underWay.has(name) ? [`${name}: still under way`] : [])];
  }

  advance(durationNs: number, showsBeats: boolean): string[] {
    const untilNs = this.nowNs + durationNs;
    // Time itself has to get there, whatever is due on the way.
    this.host.scheduler.at(untilNs, () => undefined);
    this.host.runUntil(untilNs, () => false);
    return this.take(showsBeats ? [] : ["beat"]);
  }

  /** Lets time pass until it is so, and then everything happen that is due at that instant. Whether it is so. */
  waitFor(isSo: () => boolean): boolean {
    return this.#waitUntil(this.nowNs + PATIENCE_NS, isSo);
  }

  /** What happened since someone looked. */
  take(hidden: readonly ("batch" | "beat" | "event")[] = ["beat"]): string[] {
    return this.#log.take(this.nowNs, hidden);
  }

  /** The VMCS that has, or had last, this page. Those of L0's second life have a prime, and so on. */
  nameRegion(region: number): string {
    return this.#names.get(region) ?? `0x${region.toString(16)}`;
  }

  #waitUntil(limitNs: number, isSo: () => boolean): boolean {
    const reached = this.host.runUntil(limitNs, isSo);
    this.host.runUntil(this.nowNs, () => false);
    return reached;
  }

  #observe(event: HistoryEvent): void {
    this.history.push(event);
    this.#log.event(event);
    if (event.source === "l0") this.lifeOfL0 = event.incarnation;
    if (event.kind === "vmcs.allocated" && event.region !== undefined)
      this.#names.set(event.region, `vmcs${event.vmcs}${"'".repeat(event.incarnation - 1)}`);
  }
}

function renderAnswer<T>(answer: Answer<T>, render: (value: T) => readonly string[]): readonly string[] {
  if (answer.ok) return render(answer.value);
  const { code, definite, message } = answer.error;
  return [`error ${code}${definite ? "" : " (indefinite)"}: ${message}`];
}

function modelByName(name: string): CpuModel {
  const model = cpuModelNamed(name);
  if (model === undefined) {
    const names = Object.keys(CPU_MODELS);
    throw new UsageError(`no CPU model "${name}"${didYouMean(name, names)} (there are ${names.join(", ")})`);
  }
  return model;
}
