/** A history in the JSON trace event format that chrome://tracing and the UI of Perfetto read. */
import { CLEAR_PHASES, ClearFollower } from "../clear-phases.js";
import type { HistoryEvent } from "../event.js";
import { ChromeProcess, type ChromeRecord, type ClearFlow } from "./chrome-process.js";
import { VmcsNames } from "./vmcs-names.js";

/**
 * Give it the events in causal order, each with its time, and {@link end} once. Records come at once; what is kept is what is
 * open: slices, clears on their way, and the VMCSs that are allocated.
 */
export class ChromeTrace {
  readonly #processes = new Map<string, ChromeProcess>();
  readonly #names = new VmcsNames();
  readonly #clears = new ClearFollower();
  /** Clears on their way, by the CPU, the region and the activation. */
  readonly #flows = new Map<string, ClearFlow>();
  #flowCount = 0;

  observe(event: HistoryEvent, eventUs: number): ChromeRecord[] {
    this.#names.observe(event);
    const records: ChromeRecord[] = [];
    const drawing = this.#processOf(event, records);
    drawing.reach(event.incarnation, eventUs, records);
    drawing.observe(event, this.#names, records);
    this.#follow(event, drawing, records);
    return records;
  }

  /** Ends what is open, each where its source was heard last; a clear that no completion came back from is marked lost. */
  end(): ChromeRecord[] {
    const records: ChromeRecord[] = [];
    for (const { id, drawing } of this.#flows.values()) drawing.mark("clear lost", { flow: id }, records);
    this.#flows.clear();
    for (const drawing of this.#processes.values()) drawing.close(records);
    return records;
  }

  #processOf({ host, source }: HistoryEvent, records: ChromeRecord[]): ChromeProcess {
    const key = `${host}/${source}`;
    const known = this.#processes.get(key);
    if (known !== undefined) return known;
    const drawing = new ChromeProcess(this.#processes.size + 1, source);
    this.#processes.set(key, drawing);
    drawing.describe(key, records);
    return drawing;
  }

  /** The arrow of a clear: L0, its CPU, L0. */
  #follow(event: HistoryEvent, drawing: ChromeProcess, records: ChromeRecord[]): void {
    const timed = this.#clears.observe(event);
    const { kind, host, region, epoch, to, source } = event;
    const key = `${host}/${kind === "vmcs.clear" ? source : `cpu${to}`}/${region}/${epoch}`;
    const flow = this.#flows.get(key);
    if (kind === "ipi.sent" && flow === undefined) {
      this.#flowCount += 1;
      this.#flows.set(key, { id: this.#flowCount, drawing });
      drawing.flow("s", this.#flowCount, records);
    }
    if (flow === undefined) return;
    if (kind === "vmcs.clear") drawing.flow("t", flow.id, records);
    if (kind !== "ipi.acked") return;
    this.#flows.delete(key);
    drawing.flow("f", flow.id, records);
    if (timed === undefined) return;
    const phases = CLEAR_PHASES.map((name) => [name, timed.phasesNs?.[name]] as const);
    const wholeUs = (timed.appliedNs - timed.decidedNs) / 1000;
    drawing.clear(flow.id, { from: timed.from, to: timed.to, wholeUs, phases }, records);
  }
}
