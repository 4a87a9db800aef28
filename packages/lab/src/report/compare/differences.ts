/** What is not the same in two experiments, or on two machines. */
import type { ReportSource, RunFiles } from "../read/source.js";

/** A setting, or a property of a machine, that two sides do not share. */
export interface Setting {
  readonly path: string;
  /** JSON; absent: not set. */
  readonly a?: string;
  readonly b?: string;
}

/** How busy the machine was is no property of it; that of a moment would make any two runs differ. */
const MOMENTARY: readonly string[] = ["load1"];

/** The experiment's settings, and whether it was simulated. */
export async function settingsOf(source: ReportSource): Promise<ReadonlyMap<string, string>> {
  if (source.kind === "study") return source.settings;
  const run = await firstRun(source);
  if (run === undefined) return new Map();
  const isSimulated = run.result.mode === "simulated";
  return new Map([...run.settings, ["mode", JSON.stringify(isSimulated ? "simulated" : "live")]]);
}

/** The machine that measured, as JSON by name; empty where time is virtual, or the run does not say. */
export async function factsOf(source: ReportSource): Promise<ReadonlyMap<string, string>> {
  const machine = (await firstRun(source))?.result.machine ?? {};
  return new Map(
    Object.entries(machine)
      .filter(([name]) => !MOMENTARY.includes(name))
      .map(([name, value]) => [name, JSON.stringify(value)]),
  );
}

export function whatDiffers(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): Setting[] {
  const paths = [...new Set([...a.keys(), ...b.keys()])];
  return paths
    .filter((path) => a.get(path) !== b.get(path))
    .map((path) => ({ path, ...valueAs("a", a.get(path)), ...valueAs("b", b.get(path)) }));
}

function valueAs(side: "a" | "b", value: string | undefined): Partial<Setting> {
  return value === undefined ? {} : { [side]: value };
}

/** Of a study, a live one if there is any: simulated runs have no machine. */
async function firstRun(source: ReportSource): Promise<RunFiles | undefined> {
  if (source.kind === "run") return source.run;
  if (source.kind === "cell") return source.runs[0];
  const { cells } = source.summary;
  const cell = cells.find(({ way, repetitions }) => way === "processes" && repetitions.length > 0) ?? cells[0];
  return cell === undefined ? undefined : (await source.runsOf(cell.name))[0];
}
