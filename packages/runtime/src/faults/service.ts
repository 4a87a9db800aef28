import { type FaultOrder, type FaultStatus, faultFromWire, statusToWire } from "../codec/fault.js";
import { InvalidMessage } from "../codec/invalid-message.js";
import { required } from "../codec/numbers.js";
import { type FaultServiceServer, FaultServiceService } from "../generated/vmcslab/v1/faults.js";
import { type ServedService, served } from "../rpc/served.js";
import type { UnaryHandlers } from "../rpc/unary.js";

/** Who holds faults: a service's own hub, or L0's with those of its CPUs. */
export interface FaultPlace {
  inject(order: FaultOrder, isStated: boolean): FaultStatus | Promise<FaultStatus>;
  list(ended: boolean): FaultStatus[] | Promise<FaultStatus[]>;
  clear(names: readonly string[]): FaultStatus[] | Promise<FaultStatus[]>;
}

const NAMES_MAX = 1024;

/** FaultService. */
export function faultService(place: FaultPlace, handlers: UnaryHandlers): ServedService {
  const implementation: FaultServiceServer = {
    injectFault: handlers.handle(async ({ fault, stated }) => ({
      status: statusToWire(await place.inject(faultFromWire(required(fault, "fault")), stated)),
    })),
    listFaults: handlers.handle(async ({ ended }) => ({ faults: (await place.list(ended)).map(statusToWire) })),
    clearFaults: handlers.handle(async ({ names }) => {
      if (names.length > NAMES_MAX) throw new InvalidMessage(`${names.length} names: at most ${NAMES_MAX}`);
      return { cleared: (await place.clear(names)).map(statusToWire) };
    }),
  };
  return served("vmcslab.v1.FaultService", FaultServiceService, implementation);
}
