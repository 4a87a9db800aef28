import type { NodeId } from "../host/messages.js";
import { L0, nodeName } from "../host/messages.js";
import type { Recording } from "./picture-record.js";
import { type ArrowStyle, type Row, rowsOf } from "./picture-rows.js";

export interface PictureOptions {
  /** Characters of a line. Default: 100. */
  readonly width?: number;
  /** Lines of what happened; of more, those in the middle are left out. Default: 160. */
  readonly rowsMax?: number;
}

const TIME_WIDTH = 9;
const TEXT_WIDTH_MIN = 44;
const LANE_WIDTH_MAX = 10;
const LANE_WIDTH_MIN = 6;

export const PICTURE_LEGEND =
  "══▶ a batch and its answer   ──▶ one message   ──▷ … ▶ it is sent, and later arrives   ──✗ it is lost";

/** A column per node, time downwards, what it means at the right. */
export function drawPicture(recording: Recording, { width = 100, rowsMax = 160 }: PictureOptions = {}): string[] {
  const nodes: readonly NodeId[] = [L0, ...Array.from({ length: recording.plan.cpus }, (_, cpu) => cpu)];
  const room = Math.floor((width - TIME_WIDTH - TEXT_WIDTH_MIN) / nodes.length);
  const laneWidth = Math.max(LANE_WIDTH_MIN, Math.min(LANE_WIDTH_MAX, room));
  const painter = new Painter(nodes, laneWidth, width);
  const rows = rowsOf(recording);
  const skipped = Math.max(0, rows.length - rowsMax);
  const head = Math.ceil(rowsMax / 4);
  return [
    painter.head(),
    ...rows.flatMap((row, index) => {
      const lines = painter.row(row);
      if (skipped === 0 || index < head || index >= head + skipped) return lines;
      return index === head ? [`${"".padEnd(TIME_WIDTH)}… ${skipped} lines are left out`] : [];
    }),
  ];
}

class Painter {
  readonly #nodes: readonly NodeId[];
  readonly #laneWidth: number;
  readonly #width: number;
  readonly #dead = new Set<NodeId>();
  #lastTime = "";

  constructor(nodes: readonly NodeId[], laneWidth: number, width: number) {
    this.#nodes = nodes;
    this.#laneWidth = laneWidth;
    this.#width = width;
  }

  head(): string {
    const names = this.#nodes.map((node) => nodeName(node).padEnd(this.#laneWidth));
    return `${"ms".padStart(TIME_WIDTH - 2)}  ${names.join("")}`.trimEnd();
  }

  row(row: Row): string[] {
    if (row.node?.isAlive === true) this.#dead.delete(row.node.node);
    const cells = this.#lanes();
    if (row.word !== undefined) this.#put(cells, this.#column(row.word.node), row.word.text);
    if (row.arrow !== undefined) this.#arrow(cells, row.arrow.from, row.arrow.to, row.arrow.style);
    if (row.node?.isAlive === false) this.#dead.add(row.node.node);
    const [first = "", ...rest] = wrapped(row.text, this.#width - TIME_WIDTH - cells.length);
    const time = (row.ns / 1e6).toFixed(3);
    const shown = time === this.#lastTime ? "" : time;
    this.#lastTime = time;
    const mark = row.isEvidence === true ? ">" : " ";
    return [
      `${shown.padStart(TIME_WIDTH - 2)}${mark} ${cells.join("")}${first}`.trimEnd(),
      ...rest.map((line) => `${"".padEnd(TIME_WIDTH)}${this.#lanes().join("")}  ${line}`.trimEnd()),
    ];
  }

  #lanes(): string[] {
    const cells: string[] = [];
    for (const node of this.#nodes) {
      cells.push(this.#dead.has(node) ? " " : "│");
      for (let i = 1; i < this.#laneWidth; i++) cells.push(" ");
    }
    return cells;
  }

  #column(node: NodeId): number {
    return Math.max(0, this.#nodes.indexOf(node)) * this.#laneWidth;
  }

  #put(cells: string[], column: number, text: string): void {
    for (const [index, character] of [...text].slice(0, this.#laneWidth - 1).entries())
      cells[column + index] = character;
  }

  #arrow(cells: string[], from: NodeId, to: NodeId, style: ArrowStyle): void {
    const start = this.#column(from);
    const end = this.#column(to);
    const step = end > start ? 1 : -1;
    const head = style === "open" ? (step > 0 ? "▷" : "◁") : step > 0 ? "▶" : "◀";
    cells[end] = head;
    if (style === "end") {
      // It left its sender in a row above.
      for (let i = 1; i < 4; i++) cells[end - step * i] = "╌";
      return;
    }
    const line = style === "both" ? "═" : "─";
    const last = style === "lost" ? end - step * 3 : end;
    for (let column = start + step; column !== last; column += step)
      cells[column] = column % this.#laneWidth === 0 ? (style === "both" ? "╪" : "┼") : line;
    if (style === "lost") {
      cells[last] = "✗";
      cells[end] = this.#dead.has(to) ? " " : "│";
    }
    cells[start] = style === "both" ? (step > 0 ? "╞" : "╡") : step > 0 ? "├" : "┤";
  }
}

/** At blanks, into lines of at most this many characters; what follows the first is indented by two. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const room = lines.length === 0 ? width : width - 2;
    if (line !== "" && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
