import type { Happening } from "./picture-record.js";
import type { ArrowStyle, Row } from "./picture-rows.js";

/** A message on its way. */
export type Sent = Extract<Happening, { kind: "sent" }>;

export interface Story {
  /** When the run ended: what arrives later does not any more. */
  readonly endNs: number;
  readonly nameFate: (kind: string) => string;
}

export function arrowRow({ record: { from, to } }: Sent, ns: number, at: number, style: ArrowStyle, text: string): Row {
  return { ns, at, text, arrow: { from, to, style } };
}

export function labelled({ operation }: Sent, text: string): string {
  return operation === "" ? text : `${operation} ${text}`;
}

export function fateless({ record }: Sent): boolean {
  return record.fates.length === 0;
}

export function isLost({ record }: Sent): boolean {
  return record.arrivesNs === undefined;
}

export function fatesOf({ record }: Sent): string {
  return record.fates.join(", ");
}

export function ms(ns: number): string {
  return (ns / 1e6).toFixed(3);
}
