import { type CostFigure, type CostModel, DEFAULT_COST_MODEL, derivedModel } from "./cost-model.js";
import { DEFAULT_MODEL } from "./default-model.js";
import type { CostRow } from "./rows.js";

type Rows = Partial<Record<CostRow, CostFigure>>;

/** Entry and exit of which only the sum is known. */
function roundTrip(cycles: number, addition?: { readonly max: number; readonly source: string }): Rows {
  const figure = (half: number): CostFigure => ({
    cycles: half,
    ...(addition === undefined ? {} : { range: [half, addition.max / 2] }),
    source: `half of a bare round trip of ${cycles} cycles: Agesen et al., USENIX ATC 2012${addition === undefined ? "" : `; ${addition.source}`}`,
    status: "derived",
    unchecked: true,
  });
  return { entry: figure(Math.ceil(cycles / 2)), exit: figure(Math.floor(cycles / 2)) };
}

const ALWAYS_CHECKED: Rows = {
  controlRecheck: {
    cycles: 0,
    source:
      'every entry checks, and its cost includes that: VMCSs are cached on Westmere and later (the series "Reduce VMWRITEs to VMCS controls", kvm list, 2019)',
    status: "derived",
  },
};

const SPLITX = {
  max: 2000,
  source: "SplitX, HotPar 2011, has 2,000 on a Xeon X5570 at 2.93 GHz with KVM of Linux 2.6.34",
};

const generation = (name: string, describes: string, rows: Rows): CostModel =>
  derivedModel(DEFAULT_MODEL, name, describes, rows);

const MODELS: readonly CostModel[] = [
  DEFAULT_MODEL,
  generation("prescott", "Pentium 4 with VMX", { ...roundTrip(3963), ...ALWAYS_CHECKED }),
  generation("merom", "The first Core 2", { ...roundTrip(1579), ...ALWAYS_CHECKED }),
  generation("penryn", "The second Core 2", { ...roundTrip(1266), ...ALWAYS_CHECKED }),
  generation("nehalem", "Xeon 5500 and its kind", { ...roundTrip(1009, SPLITX), ...ALWAYS_CHECKED }),
  generation("westmere", "Xeon 5600 and its kind: the first to cache VMCSs", roundTrip(761)),
  generation("sandy-bridge", "Core i7-2600K and its kind", roundTrip(784)),
];

/** By name; {@link DEFAULT_COST_MODEL} is the one without a generation. */
export const COST_MODELS: Readonly<Record<string, CostModel>> = Object.fromEntries(
  MODELS.map((model) => [model.name, model]),
);

/** The model of that name; undefined when there is none. */
export function costModelNamed(name: string): CostModel | undefined {
  return Object.hasOwn(COST_MODELS, name) ? COST_MODELS[name] : undefined;
}

/** For Haswell and Tiger Lake no figure of a single row was found: what is published of them is of nested exits, or inside a VM. */
const GENERATION_OF: ReadonlyMap<string, string> = new Map([
  ["core2_penryn_t9600", "penryn"],
  ["corei7_sandy_bridge_2600k", "sandy-bridge"],
  ["corei7_haswell_4770", DEFAULT_COST_MODEL],
  ["tigerlake", DEFAULT_COST_MODEL],
]);

/** The model for a CPU model of `@vmcslab/vmx`, by its name: that of its generation, or the default. */
export function costModelFor(cpuModelName: string): CostModel {
  return costModelNamed(GENERATION_OF.get(cpuModelName) ?? DEFAULT_COST_MODEL) ?? DEFAULT_MODEL;
}
