import type { HistoryEvent } from "@vmcslab/history";
import type { Batch, Completion } from "@vmcslab/nested";
import type { MessageRecord } from "@vmcslab/sim";
import { renderEvent } from "./render-event.js";
import { type NameRegion, renderSteps } from "./render-steps.js";
import { formatTime } from "./time.js";

/** One batch on its way to a CPU, and back. */
interface Trip {
  readonly key: string;
  readonly batch: Batch;
  readonly arrivesNs: number | undefined;
  readonly sentAgain: boolean;
  readonly fates: readonly string[];
  copies: number;
  completion: Completion | undefined;
  /** Undefined: its answer is lost, or there is none yet. */
  answeredNs: number | undefined;
  answers: number;
}

interface Entry {
  readonly atNs: number;
  readonly kind: "batch" | "beat" | "event";
  readonly line: (seenNs: number) => string;
}

/** What happened on a host since someone looked, as lines: batches with what came of them, and the events of the protocol. */
export class Log {
  readonly #nameRegion: NameRegion;
  #entries: Entry[] = [];
  #trips: Trip[] = [];
  readonly #sentEver = new Set<string>();
  #beganNs = 0;

  constructor(nameRegion: NameRegion) {
    this.#nameRegion = nameRegion;
  }

  /** A command begins: times are counted from now. */
  begin(nowNs: number): void {
    this.#beganNs = nowNs;
  }

  message(record: MessageRecord): void {
    const { message, from, to } = record;
    if (message.kind === "batch") this.#sent(record, `${message.session}/${message.batch.id}`, message.batch);
    else if (message.kind === "completion")
      this.#answered(record, `${message.session}/${message.batch.id}`, message.batch, message.completion);
    else {
      const lost = record.arrivesNs === undefined ? ` (${record.fates.join(", ")})` : "";
      const line = `${from < 0 ? `cpu${to} ←` : `cpu${from} →`} ${message.kind}${lost}`;
      this.#add(record.sentNs, "beat", () => line);
    }
  }

  event(event: HistoryEvent): void {
    const line = renderEvent(event);
    if (line !== undefined) this.#add(event.monoNs, "event", () => line);
  }

  note(atNs: number, line: string): void {
    this.#add(atNs, "event", () => line);
  }

  /** Everything so far, once. `seenNs`: whatever was due by then has happened. */
  take(seenNs: number, hidden: readonly Entry["kind"][]): string[] {
    const lines = this.#entries
      .filter(({ kind }) => !hidden.includes(kind))
      .map(({ atNs, line }) => {
        const later = atNs > this.#beganNs ? `+${formatTime(atNs - this.#beganNs)} ` : "";
        return `${later}${line(seenNs)}`;
      });
    this.#entries = [];
    this.#trips = [];
    return lines;
  }

  #sent({ sentNs, arrivesNs, fates }: MessageRecord, key: string, batch: Batch): void {
    const twin = this.#trips.at(-1);
    if (twin?.key === key && fates.includes("duplicate") && twin.fates === fates) {
      twin.copies++;
      return;
    }
    const sentAgain = this.#sentEver.has(key);
    this.#sentEver.add(key);
    const trip: Trip = {
      ...{ key, batch, arrivesNs, sentAgain, fates, copies: 1 },
      ...{ completion: undefined, answeredNs: undefined, answers: 0 },
    };
    this.#trips.push(trip);
    // A batch that the link refuses does not go over it.
    if (arrivesNs === undefined && fates.includes("error")) return;
    this.#add(sentNs, "batch", (seenNs) => this.#renderTrip(trip, seenNs));
  }

  #answered({ sentNs, arrivesNs, fates }: MessageRecord, key: string, batch: Batch, completion: Completion): void {
    const trip = this.#trips.findLast((known) => known.key === key);
    if (trip === undefined) {
      const lost = arrivesNs === undefined ? " (reply lost)" : renderFates("reply", fates);
      const steps = renderSteps(batch, completion, this.#nameRegion).join(" ");
      this.#add(sentNs, "batch", () => `cpu${batch.cpu} → ${steps}${lost}`);
      return;
    }
    trip.answers++;
    trip.completion = completion;
    trip.answeredNs = arrivesNs;
  }

  #renderTrip(
    { batch, arrivesNs, sentAgain, fates, copies, completion, answeredNs, answers }: Trip,
    seenNs: number,
  ): string {
    const how = [
      `cpu${batch.cpu} ←`,
      ...(sentAgain && batch.instructions.length > 0 ? ["(sent again)"] : []),
      ...(copies > 1 ? [`(arrives ${copies} times)`] : []),
    ];
    const kinds = batch.instructions.length === 0 ? ["(withdrawn)"] : batch.instructions.map(({ kind }) => kind);
    if (arrivesNs === undefined)
      return [...how, fates.includes("partition") ? "(cut off)" : "(request lost)", ...kinds].join(" ");
    const held = renderFates("request", fates);
    if (completion === undefined)
      return `${[...how, ...kinds].join(" ")}${held} (${seenNs < arrivesNs ? "on its way" : "no answer"})`;
    const steps = renderSteps(batch, completion, this.#nameRegion);
    const end = answeredNs === undefined ? " (reply lost)" : seenNs < answeredNs ? " (reply on its way)" : "";
    return `${[...how, ...steps].join(" ")}${held}${answers > 1 ? ` (answered ${answers} times)` : ""}${end}`;
  }

  #add(atNs: number, kind: Entry["kind"], line: Entry["line"]): void {
    this.#entries.push({ atNs, kind, line });
  }
}

/** What faults do to a message that arrives all the same. */
const FATES = new Map([
  ["delay", "late"],
  ["reorder", "overtaken"],
]);

function renderFates(what: string, fates: readonly string[]): string {
  const told = fates.flatMap((fate) => FATES.get(fate) ?? []);
  return told.length === 0 ? "" : ` (${what} ${told.join(", ")})`;
}
