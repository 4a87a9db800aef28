import { UsageError } from "@vmcslab/lab/errors";
import {
  byRow,
  COST_MODELS,
  COST_ROW_TEXTS,
  COST_ROWS,
  type CostFigure,
  type CostModel,
  type CostRow,
  costModelFor,
  costModelNamed,
  cyclesToNs,
  DEFAULT_COST_MODEL,
} from "@vmcslab/sim";
import { CPU_MODELS } from "@vmcslab/vmx";

export interface CostDescription extends CostFigure {
  readonly describes: string;
  /** At the model's clock. */
  readonly ns: number;
}

export interface CostModelDescription {
  readonly name: string;
  readonly default: boolean;
  readonly describes: string;
  readonly ghz: number;
  /** Models of `vmcslab models` that this one is for. */
  readonly cpuModels: readonly string[];
  readonly rows: Readonly<Record<CostRow, CostDescription>>;
}

export interface CostsDocument {
  readonly schema: "vmcslab.costs/v1";
  readonly models: readonly CostModelDescription[];
}

/** Every model, or the one of that name. Throws UsageError when there is none. */
export function costsDocument(name?: string): CostsDocument {
  return { schema: "vmcslab.costs/v1", models: chosen(name).map(describe) };
}

/** For people: a line with the name, and a line per row below it; of a generation only its own rows, unless it was asked for. */
export function describeCosts(name?: string): string {
  return costsDocument(name)
    .models.map((model) => {
      const shown = COST_ROWS.filter((row) => name !== undefined || model.rows[row].inheritedFrom === undefined);
      const rest = shown.length < COST_ROWS.length ? `  the other rows: as ${DEFAULT_COST_MODEL}\n` : "";
      const cpus = model.cpuModels.length === 0 ? "" : `  for ${model.cpuModels.join(", ")}\n`;
      const head = `${model.name}${model.default ? " (default)" : ""}: ${model.describes}; ${model.ghz} GHz\n`;
      return head + cpus + shown.map((row) => line(row, model.rows[row])).join("") + rest;
    })
    .join("\n");
}

/** `derived, unchecked`: how far a figure can be believed, in words. */
export function statusText({ status, unchecked, inheritedFrom }: CostFigure): string {
  const parts = [status, ...(unchecked === true ? ["unchecked"] : [])];
  return inheritedFrom === undefined ? parts.join(", ") : `${parts.join(", ")} (as ${inheritedFrom})`;
}

export function rangeText({ range }: CostFigure): string {
  return range === undefined ? "–" : `${range[0]}–${range[1]}`;
}

function line(row: CostRow, figure: CostDescription): string {
  const cells = [
    row.padEnd(Math.max(...COST_ROWS.map(({ length }) => length))),
    `${figure.cycles}`.padStart(5),
    `${figure.ns.toFixed(1)} ns`.padStart(9),
    rangeText(figure).padEnd(9),
    statusText(figure),
  ];
  return `  ${cells.join("  ")}\n      ${figure.source}\n`;
}

function chosen(name: string | undefined): readonly CostModel[] {
  if (name === undefined) return Object.values(COST_MODELS);
  const model = costModelNamed(name);
  if (model === undefined) {
    throw new UsageError(`"${name}" is not a cost model; it is one of ${Object.keys(COST_MODELS).join(", ")}`);
  }
  return [model];
}

function describe(model: CostModel): CostModelDescription {
  const { name, describes, ghz, rows } = model;
  return {
    name,
    default: name === DEFAULT_COST_MODEL,
    describes,
    ghz,
    cpuModels: Object.keys(CPU_MODELS).filter((cpuModel) => costModelFor(cpuModel) === model),
    rows: byRow((row) => ({
      describes: COST_ROW_TEXTS[row],
      ...rows[row],
      ns: cyclesToNs(rows[row].cycles, ghz),
    })),
  };
}
