/** The tables of docs/experiments.md, made from the schema, so that the page cannot fall behind. */
import { type SchemaField, schemaFields } from "./schema-keys.js";

/** The page's generated parts stand between these lines. */
export const REFERENCE_MARKS = {
  begin: "<!-- generated from the schema: begin -->",
  end: "<!-- generated: end -->",
} as const;

/** The table of fields, in Markdown. */
export function fieldTable(): string {
  const rows = schemaFields().map(fieldRow);
  return ["| field | type | default | meaning |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

/** The page with its generated part replaced. Throws when the marks are not there. */
export function withReference(page: string): string {
  const { begin, end } = REFERENCE_MARKS;
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the page lacks "${begin}" before "${end}"`);
  return `${page.slice(0, from)}${begin}\n\n${fieldTable()}\n\n${page.slice(to)}`;
}

function fieldRow({ path, type, required, default: value, description }: SchemaField): string {
  const shown = value === undefined || isEmpty(value) ? (required ? "required" : "–") : `\`${JSON.stringify(value)}\``;
  return `| \`${path}\` | ${type} | ${shown} | ${description} |`;
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
