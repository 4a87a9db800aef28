/** A YAML 1.2 file as a plain value that still knows on which line every part of it was written. */
import {
  type Document,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from "yaml";
import { errorMessage, UsageError } from "../errors.js";
import { checkIsTree, checkYamlBounds } from "./yaml-bounds.js";

/** Aliases that may be expanded, against files that multiply without end. */
const ALIASES_MAX = 100;

export type ConfigPath = readonly (string | number)[];

export interface ConfigDocument {
  /** As given by whoever asked for it, for messages. */
  readonly file: string;
  /** The content, without the `x-*` keys. */
  readonly value: unknown;
  /** `file:line:column` of a key or element, or of its nearest ancestor that is written down. */
  locate(path: ConfigPath): string;
}

/** Reads YAML text. Throws UsageError, with line and column, when it is not YAML. */
export function parseConfigDocument(text: string, file: string): ConfigDocument {
  const lines = new LineCounter();
  checkYamlBounds(text, file);
  const document = parseDocument(text, { version: "1.2", merge: true, lineCounter: lines, prettyErrors: false });
  const position = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const [problem] = document.errors;
  // yaml's own message is about its functions.
  if (problem?.code === "MULTIPLE_DOCS")
    throw new UsageError(`${position(problem.pos[0])}: a second document begins here; an experiment file holds one`);
  if (problem !== undefined)
    throw new UsageError(`${position(problem.pos[0])}: not YAML: ${firstLine(problem.message)}`);
  const value = toValue(document, position);
  checkIsTree(value, file);
  return {
    file,
    value: withoutExtensions(value),
    locate: (path) => position(offsetOf(document.contents, path)),
  };
}

function toValue(document: Document.Parsed, position: (offset: number) => string): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (thrown) {
    // An alias without its anchor, or aliases that multiply without end.
    throw new UsageError(`${position(brokenAliasOffset(document))}: not YAML: ${errorMessage(thrown)}`);
  }
}

function brokenAliasOffset(document: Document.Parsed): number {
  let offset = 0;
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return undefined;
      offset = startOf(alias);
      return visit.BREAK;
    },
  });
  return offset;
}

function offsetOf(root: unknown, path: ConfigPath): number {
  let node = root;
  let offset = startOf(root);
  for (const step of path) {
    const [key, value] = childOf(node, step);
    if (key === undefined) break;
    offset = startOf(key);
    node = value;
  }
  return offset;
}

/** The node that stands for a child (its key in a map, itself in a sequence), and the child. */
function childOf(node: unknown, step: string | number): [Node | undefined, unknown] {
  if (isMap(node)) {
    const pair = node.items.find(
      (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step),
    );
    return [isNode(pair?.key) ? pair.key : undefined, pair?.value];
  }
  const item = isSeq(node) ? node.items[Number(step)] : undefined;
  return [isNode(item) ? item : undefined, item];
}

function startOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

/** `x-*` keys are the author's own, at every level, as in compose files. */
function withoutExtensions(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutExtensions);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => !key.startsWith("x-"));
  return Object.fromEntries(kept.map(([key, child]) => [key, withoutExtensions(child)]));
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? text;
}
