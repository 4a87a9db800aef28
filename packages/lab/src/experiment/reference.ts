/** The tables of docs/experiments.md and docs/faults.md, made from the schema and the fault vocabulary, so that the pages cannot fall behind. */
import { type ActionMeaning, DISTRIBUTIONS, FAULT_ACTIONS, METHODS } from "@vmcslab/faults";
import { BACKENDS, FAULT_MEANS } from "../faults/means.js";
import { METRIC_GROUPS } from "./metrics.js";
import { type SchemaField, schemaFields } from "./schema-keys.js";
import { formatDurationUs } from "./units.js";

/** Behind each of these marks, up to `end`, a page has the table of this name. */
const END = "<!-- generated: end -->";

/** Fields of a fault have their own page. */
const FAULT_FIELD = "faults[].";
/** Which of several distributions or actions a field belongs to is said in their own tables. */
const ACTION_FIELD = `${FAULT_FIELD}do.`;

/** The tables by name, in Markdown. */
const TABLES: Readonly<Record<string, () => string>> = {
  "from the schema": () => fieldTable((path) => !path.startsWith(FAULT_FIELD)),
  "fields of a fault": () => fieldTable((path) => path.startsWith(FAULT_FIELD) && !path.startsWith(ACTION_FIELD)),
  "settings of actions": () => fieldTable((path) => path.startsWith(ACTION_FIELD), ACTION_FIELD),
  "message actions": () => actionTable("messages"),
  "host actions": () => actionTable("host"),
  methods: () => definitionTable("method", METHODS),
  distributions: () => definitionTable("distribution", DISTRIBUTIONS),
  means: meansTable,
  metrics: metricsTable,
};

/** The page with its generated parts replaced. Throws when it has none, or one without an end. */
export function withReference(page: string): string {
  let replaced = page;
  for (const [name, table] of Object.entries(TABLES)) {
    const begin = `<!-- generated ${name}: begin -->`;
    const from = replaced.indexOf(begin);
    if (from < 0) continue;
    const to = replaced.indexOf(END, from);
    if (to < 0) throw new Error(`the page lacks "${END}" after "${begin}"`);
    replaced = `${replaced.slice(0, from)}${begin}\n\n${table()}\n\n${replaced.slice(to)}`;
  }
  return replaced;
}

/** The names of the tables that a page has. */
export function tablesOn(page: string): string[] {
  return Object.keys(TABLES).filter((name) => page.includes(`<!-- generated ${name}: begin -->`));
}

function fieldTable(takes: (path: string) => boolean, prefix = ""): string {
  const rows = schemaFields()
    .filter(({ path }) => takes(path))
    .map((field) => fieldRow({ ...field, path: field.path.slice(prefix.length) }));
  return ["| field | type | default | meaning |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

function fieldRow({ path, type, required, default: value, description }: SchemaField): string {
  const shown = value === undefined || isEmpty(value) ? (required ? "required" : "–") : `\`${JSON.stringify(value)}\``;
  return `| \`${path}\` | ${type} | ${shown} | ${description} |`;
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function actionTable(strikes: ActionMeaning["strikes"]): string {
  const rows = Object.entries(FAULT_ACTIONS)
    .filter(([, action]) => action.strikes === strikes)
    .map(([name, { meaning, end, leaseNs }]) => {
      const lease = leaseNs === undefined ? "forever" : formatDurationUs(leaseNs / 1_000);
      return `| \`${name}\` | ${meaning} | ${end} | ${lease} |`;
    });
  return ["| action | what happens | when it ends | default of `for` |", "| --- | --- | --- | --- |", ...rows].join(
    "\n",
  );
}

function meansTable(): string {
  const rows = Object.entries(FAULT_MEANS).map(
    ([action, means]) => `| \`${action}\` | ${BACKENDS.map((backend) => means[backend]).join(" | ")} |`,
  );
  return [`| action | ${BACKENDS.join(" | ")} |`, `| --- |${BACKENDS.map(() => " --- |").join("")}`, ...rows].join(
    "\n",
  );
}

function metricsTable(): string {
  const compared = { latency: "duration", count: "number" } as const;
  const rows = METRIC_GROUPS.map(({ kind, pattern, meaning }) => `| ${pattern} | ${compared[kind]} | ${meaning} |`);
  return ["| metric | compared with a | meaning |", "| --- | --- | --- |", ...rows].join("\n");
}

function definitionTable(title: string, definitions: Readonly<Record<string, string>>): string {
  const rows = Object.entries(definitions).map(([name, meaning]) => `| \`${name}\` | ${meaning} |`);
  return [`| ${title} | meaning |`, "| --- | --- |", ...rows].join("\n");
}
