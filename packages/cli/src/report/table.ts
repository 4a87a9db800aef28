import Table from "cli-table3";
import type { Palette } from "./palette.js";

/** A table with the first column to the left and the numbers to the right. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[], palette: Palette): string {
  const table = new Table({
    head: head.map((title) => palette.head(title)),
    colAligns: head.map((_, index) => (index === 0 ? "left" : "right")),
    // Its own colours would ignore NO_COLOR.
    style: { head: [], border: [], compact: true },
  });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}
