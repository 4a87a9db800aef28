/** The tables of a recorded run: the one list of them. `vmcslab query --schema`, docs/query.md and the store are made of it. */
import { CLEAR_PHASES } from "@vmcslab/history";

export type ColumnType = "VARCHAR" | "BIGINT" | "BIGINT[]" | "BOOLEAN" | "DOUBLE";

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly meaning: string;
}

export interface Table {
  readonly meaning: string;
  readonly columns: readonly Column[];
}

function column(name: string, type: ColumnType, meaning: string): Column {
  return { name, type, meaning };
}

const EVENTS = [
  column("host", "VARCHAR", "the host's name"),
  column("source", "VARCHAR", "who published it: l0, cpu0, cpu1, …, faults"),
  column("incarnation", "BIGINT", "the life of the source"),
  column("seq", "BIGINT", "1, 2, 3, … in that life"),
  column("lamport", "BIGINT", "Lamport's clock: a cause has the smaller number"),
  column("wall_us", "BIGINT", "microseconds since 1970; of a simulated run since its beginning"),
  column("mono_ns", "BIGINT", "nanoseconds of the source's monotonic clock"),
  column("kind", "VARCHAR", "what happened (events.md)"),
  column("operation", "BIGINT", "the operation of L0 that caused it; 0: none did"),
  column("cpu", "BIGINT", "the CPU it happened on, or is about"),
  column("vcpu", "BIGINT", "the vcpu"),
  column("vmcs", "BIGINT", "identity of a hardware VMCS, never reused"),
  column("region", "BIGINT", "host-physical address of a VMCS or VMXON region"),
  column("vmptr", "BIGINT", "guest-physical address of a vmcs12"),
  column("epoch", "BIGINT", "activation number of a VMCS, or a CPU's incarnation"),
  column("from_cpu", "BIGINT", "`from` of a clear or a move"),
  column("to_cpu", "BIGINT", "`to` of a clear or a move"),
  column("from_vmptr", "BIGINT", "`from` of pool.recycle: the vmcs12 address it was for"),
  column("launched", "BOOLEAN", "launch state"),
  column("activated", "BOOLEAN", "vmcs.load: it was not active here before"),
  column("active", "BOOLEAN", "vmcs.clear: it was active here"),
  column("to_l1", "BOOLEAN", "nested.exit: reflected to L1"),
  column("definite", "BOOLEAN", "op.end: the outcome is known"),
  column("reason", "BIGINT", "exit reason, or what the kind says"),
  column("error", "BIGINT", "VM-instruction error or vector"),
  column("count", "BIGINT", "how many, as the kind says"),
  column("digest", "BIGINT", "FNV-1a over the fields of a VMCS"),
  column("pool_order", "BIGINT[]", "`order`: the vmcs02 pool after the event, most recent first, as vmcs12 addresses"),
  column("instruction", "VARCHAR", "the VMX instruction, or the operation's name"),
  column("status", "VARCHAR", "how it ended"),
  column("role", "VARCHAR", "vmcs01 or vmcs02"),
  column("cause", "VARCHAR", "why; of faults their name"),
  column("handed_ns", "BIGINT", "timing of ipi.acked: when L0 handed the clear to the link, on L0's clock"),
  column("arrived_ns", "BIGINT", "when its completion arrived, on L0's clock"),
  column("received_ns", "BIGINT", "when it arrived at the CPU, on the CPU's clock"),
  column("waited_ns", "BIGINT", "from then until its first instruction"),
  column("executed_ns", "BIGINT", "all instructions of its batch"),
  column("flushed_ns", "BIGINT", "its VMCLEAR among them"),
  column("one_clock", "BOOLEAN", "L0 and the CPU read one clock"),
] as const;

const CLEARS = [
  column("incarnation", "BIGINT", "the life of L0"),
  column("operation", "BIGINT", "the operation of L0 that it was part of"),
  column("from_cpu", "BIGINT", "the CPU the caller was on"),
  column("to_cpu", "BIGINT", "the CPU that held the VMCS"),
  column("vcpu", "BIGINT", "whose VMCS it is"),
  column("vmcs", "BIGINT", "identity of the VMCS"),
  column("region", "BIGINT", "its address"),
  column("epoch", "BIGINT", "its activation"),
  column("sent_wall_us", "BIGINT", "wall_us of the first ipi.sent"),
  column("acked_wall_us", "BIGINT", "wall_us of ipi.acked"),
  column("decided_ns", "BIGINT", "L0's monotonic clock at the first ipi.sent"),
  column("applied_ns", "BIGINT", "and at ipi.acked"),
  column("duration_ns", "BIGINT", "applied_ns - decided_ns, which the phases add up to"),
  ...CLEAR_PHASES.map((phase) =>
    column(`${phase}_ns`, "BIGINT", `phase ${phase} (events.md); null: nobody took the times`),
  ),
  column("one_clock", "BOOLEAN", "wire and back are measured; otherwise each is half of both"),
] as const;

const OPERATIONS = [
  column("incarnation", "BIGINT", "the life of L0"),
  column("operation", "BIGINT", "its number in that life"),
  column("name", "VARCHAR", "what was asked for"),
  column("vcpu", "BIGINT", "of which vcpu"),
  column("begin_wall_us", "BIGINT", "wall_us of op.begin"),
  column("end_wall_us", "BIGINT", "wall_us of op.end; null: it has none"),
  column("begin_ns", "BIGINT", "L0's monotonic clock at op.begin"),
  column("end_ns", "BIGINT", "and at op.end"),
  column("duration_ns", "BIGINT", "end_ns - begin_ns"),
  column("status", "VARCHAR", "ok, or an error's code"),
  column("definite", "BOOLEAN", "the outcome is known"),
] as const;

const FAULTS = [
  column("name", "VARCHAR", "its name in the experiment"),
  column("action", "VARCHAR", "what it does"),
  column("cpu", "BIGINT", "its victim, if it has one"),
  column("begin_wall_us", "BIGINT", "wall_us of fault.injected"),
  column("end_wall_us", "BIGINT", "wall_us of fault.healed; null: it has none"),
  column("begin_ns", "BIGINT", "the monotonic clock of who injected it"),
  column("end_ns", "BIGINT", "and when it was healed"),
  column("strikes", "BIGINT", "how often it struck"),
] as const;

const LOAD = [
  column("phase", "VARCHAR", "warmup or measured"),
  column("intended_us", "DOUBLE", "when the unit was due, after the workload's start"),
  column("sent_us", "DOUBLE", "when it was begun; null: never"),
  column("done_us", "DOUBLE", "when it was done; null: never"),
] as const;

const RESULT = [
  column("name", "VARCHAR", "dotted path in result.json"),
  column("value", "DOUBLE", "its number"),
] as const;

export const TABLES = {
  events: { meaning: "Every event of the history, a column per field.", columns: EVENTS },
  clears: { meaning: "Every cross-CPU clear that was carried out, with its phases.", columns: CLEARS },
  operations: { meaning: "Every operation that L0 accepted.", columns: OPERATIONS },
  faults: { meaning: "Every fault that was injected.", columns: FAULTS },
  load: { meaning: "Every unit of an open load (load.csv); empty where there is none.", columns: LOAD },
  result: { meaning: "The numbers of result.json; empty of a run that has not ended.", columns: RESULT },
} as const satisfies Record<string, Table>;

export type TableName = keyof typeof TABLES;

/** What a table of a study or a cell has before its own columns. */
export const RUN_COLUMNS: readonly Column[] = [
  column("cell", "VARCHAR", "of a study or a cell only: the cell's name"),
  column("repetition", "BIGINT", "of a study or a cell only: 1, 2, 3, …"),
];

export function tableEntries(): (readonly [TableName, Table])[] {
  const names: readonly TableName[] = ["events", "clears", "operations", "faults", "load", "result"];
  return names.map((name) => [name, TABLES[name]] as const);
}

/** The statement that makes it. */
export function createStatement(name: TableName): string {
  const columns: readonly Column[] = TABLES[name].columns;
  return `CREATE TABLE ${name} (${columns.map((each) => `"${each.name}" ${each.type}`).join(", ")})`;
}

/** All tables in Markdown, as docs/query.md has them. */
export function schemaMarkdown(): string {
  const rows = (columns: readonly Column[]): string[] =>
    columns.map(({ name, type, meaning }) => `| \`${name}\` | ${type} | ${meaning} |`);
  return tableEntries()
    .map(([name, { meaning, columns }]) =>
      [`### \`${name}\``, "", meaning, "", "| column | type | meaning |", "| --- | --- | --- |", ...rows(columns)].join(
        "\n",
      ),
    )
    .join("\n\n");
}

/** All tables as text. */
export function schemaText(): string {
  const lines = (columns: readonly Column[]): string[] =>
    columns.map(({ name, type, meaning }) => `  ${name.padEnd(14)} ${type.padEnd(8)} ${meaning}`);
  const tables = tableEntries().map(([name, { meaning, columns }]) =>
    [`${name}: ${meaning}`, ...lines(columns)].join("\n"),
  );
  return `${[...tables, `every table, before its own columns:\n${lines(RUN_COLUMNS).join("\n")}`].join("\n\n")}\n`;
}
