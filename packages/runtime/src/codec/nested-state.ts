import type { LoadedVmcsState, NestedState } from "@vmcslab/nested";
import type { GetNestedStateResponse, LoadedVmcs as WireLoadedVmcs } from "../generated/vmcslab/v1/l0.js";
import { required, toNumber } from "./numbers.js";

export function nestedStateToWire(state: NestedState): GetNestedStateResponse {
  return {
    ...state,
    vmcs01: loadedVmcsToWire(state.vmcs01),
    pool: state.pool.map((entry) => ({ vmptr: entry.vmptr, loaded: loadedVmcsToWire(entry) })),
  };
}

/** Throws {@link InvalidMessage} when a record is missing. */
export function nestedStateFromWire(message: GetNestedStateResponse): NestedState {
  return {
    ...message,
    vmcs01: loadedVmcsFromWire(required(message.vmcs01, "vmcs01")),
    pool: message.pool.map((entry) => ({
      ...loadedVmcsFromWire(required(entry.loaded, "loaded VMCS of a pool entry")),
      vmptr: entry.vmptr,
    })),
  };
}

function loadedVmcsToWire(state: LoadedVmcsState): WireLoadedVmcs {
  return { vmcs: state.vmcs, region: BigInt(state.region), cpu: state.cpu, launched: state.launched };
}

function loadedVmcsFromWire(message: WireLoadedVmcs): LoadedVmcsState {
  return {
    vmcs: message.vmcs,
    region: toNumber(message.region, "region"),
    cpu: message.cpu,
    launched: message.launched,
  };
}
