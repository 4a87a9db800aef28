/** How an L0 is built, in its description of itself. */
import type { Design } from "@vmcslab/nested";
import {
  type GetHostResponse,
  Clearing as WireClearing,
  Preparation as WirePreparation,
  Vmcs02Design as WireVmcs02Design,
} from "../generated/vmcslab/v1/l0.js";
import { NameCodec } from "./names.js";

type WireDesign = Pick<GetHostResponse, "design" | "preparation" | "clearing">;

const VMCS02 = new NameCodec<Design["vmcs02"], WireVmcs02Design>("design", {
  pool: WireVmcs02Design.POOL,
  single: WireVmcs02Design.SINGLE,
});

const PREPARATION = new NameCodec<Design["preparation"], WirePreparation>("preparation", {
  full: WirePreparation.FULL,
  incremental: WirePreparation.INCREMENTAL,
});

const CLEARING = new NameCodec<Design["clearing"], WireClearing>("clearing", {
  oneByOne: WireClearing.ONE_BY_ONE,
  perCpu: WireClearing.PER_CPU,
  atOnce: WireClearing.AT_ONCE,
});

export function designToWire({ vmcs02, preparation, clearing }: Design): WireDesign {
  return {
    design: VMCS02.toWire(vmcs02),
    preparation: PREPARATION.toWire(preparation),
    clearing: CLEARING.toWire(clearing),
  };
}

/** Throws {@link InvalidMessage} for what this version does not know. */
export function designFromWire({ design, preparation, clearing }: WireDesign): Design {
  return {
    vmcs02: VMCS02.fromWire(design),
    preparation: PREPARATION.fromWire(preparation),
    clearing: CLEARING.fromWire(clearing),
  };
}
