/** One source of events as a process of a Chrome trace: its rows, and what is open on them. */
import type { HistoryEvent } from "../event.js";
import type { VmcsNames } from "./vmcs-names.js";

/** A trace event: `ph` is its phase in the format's terms, `ts` is in microseconds. */
export interface ChromeRecord {
  readonly ph: "M" | "B" | "E" | "b" | "e" | "X" | "C" | "s" | "t" | "f" | "i";
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly cat?: string;
  readonly id?: string;
  readonly dur?: number;
  readonly bp?: "e";
  readonly s?: "t";
  readonly args?: Readonly<Record<string, unknown>>;
}

export interface ClearFlow {
  readonly id: number;
  readonly drawing: ChromeProcess;
}

export interface DrawnClear {
  readonly from: number;
  readonly to: number;
  readonly wholeUs: number;
  readonly phases: readonly (readonly [name: string, lengthNs: number | undefined])[];
}

const GUEST_ROW = 1;
const EVENT_ROW = 2;
/** An arrow needs a slice to start from or end at, and an event has no length. */
const EVENT_US = 0.001;

export class ChromeProcess {
  /** Ends of slices that overlap others, by category and id. */
  readonly #open = new Map<string, Pick<ChromeRecord, "name" | "cat" | "id">>();
  #guest: string | undefined;
  #activeCount = 0;
  #incarnation: number | undefined;
  #nowUs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly pid: number,
    private readonly source: string,
  ) {}

  describe(name: string, records: ChromeRecord[]): void {
    const about = { ph: "M", pid: this.pid, ts: 0 } as const;
    records.push({ ...about, tid: 0, name: "process_name", args: { name } });
    if (this.source.startsWith("cpu")) {
      records.push({ ...about, tid: GUEST_ROW, name: "thread_name", args: { name: "guest" } });
    }
    records.push({ ...about, tid: EVENT_ROW, name: "thread_name", args: { name: "events" } });
  }

  /** A clock that was set back does not make time run backwards here; a new life ends what the one before left open. */
  reach(incarnation: number, eventUs: number, records: ChromeRecord[]): void {
    if (this.#incarnation !== undefined && this.#incarnation !== incarnation) this.close(records);
    this.#incarnation = incarnation;
    this.#nowUs = Math.max(this.#nowUs, eventUs);
  }

  observe(event: HistoryEvent, names: VmcsNames, records: ChromeRecord[]): void {
    const { host: _host, source: _source, wallUs: _wallUs, monoNs: _monoNs, kind, ...args } = event;
    records.push({ ...this.#at(EVENT_ROW), ph: "X", dur: EVENT_US, name: kind, args });
    const { region, vcpu, operation, instruction = "", cause = "", active, activated } = event;
    switch (kind) {
      case "vm.entry":
        this.#leaveGuest(records);
        this.#guest = names.nameOf(event);
        records.push({ ...this.#at(GUEST_ROW), ph: "B", name: this.#guest });
        break;
      case "vm.exit":
        this.#leaveGuest(records);
        break;
      case "vmcs.load":
        if (activated === true) this.#activate("vmcs", `${region}`, names.nameOf(event), records);
        break;
      case "vmcs.clear":
        if (active === true) this.#finish("vmcs", `${region}`, records);
        break;
      case "vmx.off":
      case "lease.expired":
        this.close(records);
        break;
      case "op.begin":
        this.#activate(
          "operation",
          `${operation}`,
          vcpu === undefined ? instruction : `vcpu ${vcpu}: ${instruction}`,
          records,
        );
        break;
      case "op.end":
        this.#finish("operation", `${operation}`, records);
        break;
      case "fault.injected":
        this.#activate("fault", cause, `${cause}: ${instruction}`, records);
        break;
      case "fault.healed":
        this.#finish("fault", cause, records);
        break;
      default:
    }
  }

  flow(ph: "s" | "t" | "f", id: number, records: ChromeRecord[]): void {
    const arrow = { ...this.#at(EVENT_ROW), ph, cat: "clear", name: "clear", id: `${id}` };
    records.push(ph === "f" ? { ...arrow, bp: "e" } : arrow);
  }

  /** A clear that ended now, and its phases one after the other within it. */
  clear(id: number, { from, to, wholeUs, phases }: DrawnClear, records: ChromeRecord[]): void {
    const on = { pid: this.pid, tid: EVENT_ROW, cat: "crossCpuClear", id: `${id}` } as const;
    const name = `clear ${from} to ${to}`;
    let atUs = this.#nowUs - wholeUs;
    records.push({ ...on, ph: "b", name, ts: atUs });
    for (const [phase, lengthNs] of phases) {
      if (lengthNs === undefined) continue;
      records.push({ ...on, ph: "b", name: phase, ts: atUs });
      // Sums of fractions may pass the end by less than a clock can tell.
      atUs = Math.min(atUs + lengthNs / 1000, this.#nowUs);
      records.push({ ...on, ph: "e", name: phase, ts: atUs });
    }
    records.push({ ...on, ph: "e", name, ts: this.#nowUs });
  }

  mark(name: string, args: Readonly<Record<string, unknown>>, records: ChromeRecord[]): void {
    records.push({ ...this.#at(EVENT_ROW), ph: "i", s: "t", name, args });
  }

  close(records: ChromeRecord[]): void {
    this.#leaveGuest(records);
    for (const slice of this.#open.values()) records.push({ ...this.#at(EVENT_ROW), ph: "e", ...slice });
    this.#open.clear();
    if (this.#activeCount > 0) this.#count(-this.#activeCount, records);
  }

  #activate(cat: string, key: string, name: string, records: ChromeRecord[]): void {
    this.#finish(cat, key, records);
    const slice = { cat, name, id: `${this.pid}/${key}` };
    this.#open.set(`${cat}/${key}`, slice);
    records.push({ ...this.#at(EVENT_ROW), ph: "b", ...slice });
    if (cat === "vmcs") this.#count(1, records);
  }

  #finish(cat: string, key: string, records: ChromeRecord[]): void {
    const slice = this.#open.get(`${cat}/${key}`);
    if (slice === undefined) return;
    this.#open.delete(`${cat}/${key}`);
    records.push({ ...this.#at(EVENT_ROW), ph: "e", ...slice });
    if (cat === "vmcs") this.#count(-1, records);
  }

  #leaveGuest(records: ChromeRecord[]): void {
    if (this.#guest !== undefined) records.push({ ...this.#at(GUEST_ROW), ph: "E", name: this.#guest });
    this.#guest = undefined;
  }

  #count(change: number, records: ChromeRecord[]): void {
    this.#activeCount += change;
    records.push({ ...this.#at(0), ph: "C", name: "active VMCSs", args: { active: this.#activeCount } });
  }

  #at(tid: number): Pick<ChromeRecord, "pid" | "tid" | "ts"> {
    return { pid: this.pid, tid, ts: this.#nowUs };
  }
}
