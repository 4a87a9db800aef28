import type { HistoryEvent } from "../event.js";
import type { Checker } from "./checker.js";
import type { HostView } from "./view/host-view.js";
import { contradiction, nameVmcs, type Report } from "./violation.js";

/** Lives of one CPU that are remembered: fences and uses of older ones are not compared any more. */
const LIVES_MAX = 8;

/** How a CPU uses a VMCS, in the words of a message. */
const USES = {
  "vmcs.load": "loaded",
  "vmcs.write": "written",
  "vmcs.clear": "cleared",
  "vm.entry": "entered",
  "vm.exit": "left",
} as const;

interface Use {
  readonly event: HistoryEvent;
  readonly vmcs: number | undefined;
}

/** One incarnation of a CPU. */
interface Life {
  readonly incarnation: number;
  /** The latest by its clock. */
  used: Use | undefined;
  /** L0 says that this life certainly uses no VMCS any more. */
  fenced: HistoryEvent | undefined;
  /** The CPU says that its lease ended. */
  expired: HistoryEvent | undefined;
  found: boolean;
}

/**
 * Invariant 1, for a CPU that L0 took VMCSs from without its help: once the fence deadline of a life has passed, or its own lease has ended, that life uses no VMCS, because L0 may
 * have rebuilt it elsewhere. The logical clock cannot tell: a CPU that is cut off hears of nothing. So this rule alone compares times, and only of sources that share one
 * clock; what a CPU did after it said itself that its lease ended needs none. It is shown posthumous events too: those are what it looks for. One finding per life.
 */
export class OutlivesLease implements Checker {
  readonly kinds = [
    ...(["vmcs.load", "vmcs.write", "vmcs.clear", "vm.entry", "vm.exit"] as const),
    ...(["cpu.fenced", "lease.expired"] as const),
  ];
  readonly #lives = new Map<number, Life[]>();

  constructor(
    private readonly view: HostView,
    private readonly report: Report,
    private readonly sharedClock: boolean,
  ) {}

  observe(event: HistoryEvent): void {
    const { cpu, kind } = event;
    if (cpu === undefined) return;
    if (kind === "cpu.fenced") this.#fenced(this.#life(cpu, event.epoch ?? 0), event);
    else if (kind === "lease.expired") this.#life(cpu, event.incarnation).expired ??= event;
    else if (isUse(kind)) this.#used(this.#life(cpu, event.incarnation), event);
  }

  #fenced(life: Life, fenced: HistoryEvent): void {
    life.fenced ??= fenced;
    if (life.used !== undefined) this.#compare(life, life.used, fenced);
  }

  #used(life: Life, event: HistoryEvent): void {
    const use = { event, vmcs: event.region === undefined ? undefined : this.view.identity(event.region) };
    life.used = use;
    if (life.expired !== undefined) this.#find(life, use, life.expired, "its own lease ended");
    else if (life.fenced !== undefined) this.#compare(life, use, life.fenced);
  }

  #compare(life: Life, use: Use, fenced: HistoryEvent): void {
    const lateNs = use.event.monoNs - fenced.monoNs;
    if (!this.sharedClock || lateNs <= 0) return;
    this.#find(life, use, fenced, `its fence deadline, ${(lateNs / 1e6).toFixed(3)} ms before`);
  }

  #find(life: Life, { event, vmcs }: Use, ended: HistoryEvent, what: string): void {
    const { cpu, kind, region } = event;
    if (life.found || cpu === undefined || !isUse(kind)) return;
    life.found = true;
    this.report("outlives-lease", {
      message: `${nameVmcs(vmcs, region)} is ${USES[kind]} on CPU ${cpu} after ${what}`,
      ...(vmcs === undefined ? {} : { vmcs }),
      cpus: [cpu],
      events: contradiction(ended, event),
    });
  }

  #life(cpu: number, incarnation: number): Life {
    const lives = this.#lives.get(cpu) ?? [];
    this.#lives.set(cpu, lives);
    let life = lives.find((known) => known.incarnation === incarnation);
    if (life === undefined) {
      life = { incarnation, used: undefined, fenced: undefined, expired: undefined, found: false };
      lives.push(life);
      if (lives.length > LIVES_MAX) lives.shift();
    }
    return life;
  }
}

function isUse(kind: string): kind is keyof typeof USES {
  return Object.hasOwn(USES, kind);
}
