/** The tables of docs/costs.md, made from the models, so that the page cannot fall behind. */
import { COST_ROWS } from "@vmcslab/sim";
import { type CostModelDescription, costsDocument, rangeText, statusText } from "./costs-action.js";

/** The page's generated part stands between these lines. */
export const COSTS_MARKS = {
  begin: "<!-- generated from the cost models: begin -->",
  end: "<!-- generated: end -->",
} as const;

/** The page with its generated part replaced. Throws when the marks are not there. */
export function withCosts(page: string): string {
  const { begin, end } = COSTS_MARKS;
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the page lacks "${begin}" before "${end}"`);
  return `${page.slice(0, from)}${begin}\n\n${costsDocument().models.map(section).join("\n\n")}\n\n${page.slice(to)}`;
}

function section(model: CostModelDescription): string {
  const own = COST_ROWS.filter((row) => model.rows[row].inheritedFrom === undefined);
  const rows = own.map((row) => {
    const figure = model.rows[row];
    const cells = [`\`${row}\``, figure.describes, figure.cycles, figure.ns.toFixed(1), rangeText(figure)];
    return `| ${[...cells, statusText(figure), figure.source].join(" | ")} |`;
  });
  return [
    `### \`${model.name}\``,
    "",
    `${model.describes}; ${model.ghz} GHz${forCpus(model)}.`,
    "",
    "| row | charged for | cycles | ns | range | status | source |",
    "| --- | --- | ---: | ---: | --- | --- | --- |",
    ...rows,
  ].join("\n");
}

function forCpus({ cpuModels }: CostModelDescription): string {
  return cpuModels.length === 0 ? "" : `; for ${cpuModels.map((name) => `\`${name}\``).join(", ")}`;
}
