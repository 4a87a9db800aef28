/** Which keys the schema knows at a place of an experiment file: for suggestions, and for the table in docs/experiments.md. */
import type { ConfigPath } from "./document.js";
import { experimentJsonSchema } from "./json-schema.js";

/** The part of JSON Schema that this file reads. */
interface SchemaNode {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly SchemaNode[];
  readonly items?: SchemaNode;
}

export interface SchemaField {
  /** Dotted. */
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  readonly default: unknown;
  readonly description: string;
}

/** The keys that are known below `path`. Among alternatives, those of the one that shares a key with what stands there. */
export function keysAt(path: ConfigPath, value: unknown): string[] {
  let nodes: readonly SchemaNode[] = [experimentJsonSchema()];
  let current = value;
  for (const step of path) {
    nodes = chosen(nodes, current).flatMap((node) => node.properties?.[step] ?? node.items ?? []);
    current =
      typeof current === "object" && current !== null
        ? Object.getOwnPropertyDescriptor(current, step)?.value
        : undefined;
  }
  return chosen(nodes, current).flatMap((node) => Object.keys(node.properties ?? {}));
}

function chosen(nodes: readonly SchemaNode[], value: unknown): readonly SchemaNode[] {
  const all = nodes.flatMap((node) => node.anyOf ?? [node]);
  const keys = typeof value === "object" && value !== null ? Object.keys(value) : [];
  const sharing = all.filter((node) =>
    keys.some((key) => node.properties !== undefined && Object.hasOwn(node.properties, key)),
  );
  return sharing.length > 0 ? sharing : all;
}

/** Every field of the schema, top to bottom. */
export function schemaFields(): SchemaField[] {
  return fieldsBelow(experimentJsonSchema(), "");
}

function fieldsBelow(node: SchemaNode, prefix: string): SchemaField[] {
  const alternatives = node.anyOf?.filter((choice) => choice.properties !== undefined) ?? [];
  const here = Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const path = `${prefix}${key}`;
    return [fieldOf(node, key, child, path), ...fieldsBelow(child, `${path}.`), ...fieldsOfItems(child, path)];
  });
  return [...here, ...alternatives.flatMap((choice) => fieldsBelow(choice, prefix))];
}

/** Of a list of groups, what each of them has: `faults[].at`. */
function fieldsOfItems({ items }: SchemaNode, path: string): SchemaField[] {
  return items === undefined ? [] : fieldsBelow(items, `${path}[].`);
}

function fieldOf(parent: SchemaNode, key: string, child: SchemaNode, path: string): SchemaField {
  const required = parent.required?.includes(key) ?? false;
  return { path, type: typeOf(child), required, default: child.default, description: child.description ?? "" };
}

function typeOf(node: SchemaNode): string {
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.enum !== undefined) return node.enum.map((choice) => JSON.stringify(choice)).join(" \\| ");
  if (node.anyOf !== undefined) return [...new Set(node.anyOf.map(typeOf))].join(" \\| ");
  if (node.type === "array") return `list of ${typeOf(node.items ?? {})}`;
  if (node.type === "object") return "group";
  return node.type === "integer" ? `integer ${rangeOf(node)}` : (node.type ?? "any");
}

function rangeOf({ minimum = 0, maximum }: SchemaNode): string {
  return maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? `≥ ${minimum}` : `${minimum}…${maximum}`;
}
