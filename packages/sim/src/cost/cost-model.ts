/** What each instruction of VMX costs, as data: every figure with where it is from, or that it is assumed. */
import { byRow, type CostRow } from "./rows.js";

/**
 * `published`: the source gives this figure. `derived`: computed from figures that the source gives, or chosen inside what it says in words.
 * `assumed`: a guess, to be replaced by whoever measures.
 */
export type CostStatus = "published" | "derived" | "assumed";

export interface CostFigure {
  /** Cycles of the virtual clock. */
  readonly cycles: number;
  /** Smallest and largest value that what is known allows. Cycles. */
  readonly range?: readonly [min: number, max: number];
  /** Paper, commit or mail, and what it says; for an assumption, its argument. */
  readonly source: string;
  readonly status: CostStatus;
  /** The source's figure is quoted from memory: it was not compared with the text. */
  readonly unchecked?: true;
  /** The model that it is taken over from, because nothing is known for this one. */
  readonly inheritedFrom?: string;
}

export interface CostModel {
  readonly name: string;
  readonly describes: string;
  /** Cycles per nanosecond. */
  readonly ghz: number;
  readonly rows: Readonly<Record<CostRow, CostFigure>>;
}

export const DEFAULT_COST_MODEL = "default";

/** Another model, where it differs. */
export function derivedModel(
  base: CostModel,
  name: string,
  describes: string,
  rows: Readonly<Partial<Record<CostRow, CostFigure>>>,
): CostModel {
  const inherited = (row: CostRow): CostFigure => ({ ...base.rows[row], inheritedFrom: base.name });
  return { name, describes, ghz: base.ghz, rows: byRow((row) => rows[row] ?? inherited(row)) };
}

/** Nanoseconds; `ghz` as in {@link CostModel}. */
export function cyclesToNs(cycles: number, ghz: number): number {
  return cycles / ghz;
}

/** A message between two CPUs, one way: the call to the target, or the answer to the caller. Cycles. */
export function ipiOneWayCycles(model: CostModel, direction: IpiDirection): number {
  return model.rows[direction].cycles;
}

export type IpiDirection = "ipiSend" | "ipiAck";
