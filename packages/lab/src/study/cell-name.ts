/** Names of cells: what differs between them, readable, and usable as the name of a folder. */

const NAME_LENGTH_MAX = 160;
/** Of a study that only repeats. */
const ONLY_CELL = "all";

/** One name for each of the cells, in order, none twice. `values`: by path, the same paths in each. */
export function cellNames(paths: readonly string[], cells: readonly Readonly<Record<string, unknown>>[]): string[] {
  const titles = axisTitles(paths);
  const taken = new Set<string>();
  return cells.map((values) => {
    const parts = paths.map((path, index) => `${titles[index]}=${valueName(values[path])}`);
    const base = parts.length === 0 ? ONLY_CELL : parts.join(",").slice(0, NAME_LENGTH_MAX);
    let name = base;
    for (let attempt = 2; taken.has(name.toLowerCase()); attempt++) name = `${base}-${attempt}`;
    // There are file systems to which two names that differ in case are one.
    taken.add(name.toLowerCase());
    return name;
  });
}

/** What to call each axis: as few of the last steps of its path as tell it from the others. */
export function axisTitles(paths: readonly string[]): string[] {
  return paths.map((path) => {
    const steps = path.split(".");
    const endings = steps.map((_, index) => steps.slice(steps.length - 1 - index).join("."));
    const isOwn = (ending: string) =>
      paths.filter((other) => other === ending || other.endsWith(`.${ending}`)).length === 1;
    return endings.find(isOwn) ?? path;
  });
}

/** A value of an axis, for people. */
export function valueText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

function valueName(value: unknown): string {
  const name = valueText(value)
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return name === "" || /^\.+$/.test(name) ? "-" : name;
}
