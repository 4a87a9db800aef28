import { checkFaultName, type FaultOrder, type FaultStatus, faultFromWire, statusToWire } from "../codec/fault.js";
import { required } from "../codec/numbers.js";
import { checkCount } from "../codec/ranges.js";
import { type FaultServiceServer, FaultServiceService } from "../generated/vmcslab/v1/faults.js";
import { LIMITS } from "../limits.js";
import { type ServedService, served } from "../rpc/served.js";
import type { UnaryHandlers } from "../rpc/unary.js";

/** Who holds faults: a service's own hub, or L0's with those of its CPUs. */
export interface FaultPlace {
  inject(order: FaultOrder, isStated: boolean): FaultStatus | Promise<FaultStatus>;
  /** Whether it would be taken. Throws as `inject` does. */
  check(order: FaultOrder): void | Promise<void>;
  list(ended: boolean): FaultStatus[] | Promise<FaultStatus[]>;
  clear(names: readonly string[]): FaultStatus[] | Promise<FaultStatus[]>;
}

/** FaultService. */
export function faultService(place: FaultPlace, handlers: UnaryHandlers): ServedService {
  const implementation: FaultServiceServer = {
    injectFault: handlers.handle(async ({ fault, stated, checkOnly }) => {
      const order = faultFromWire(required(fault, "fault"));
      if (!checkOnly) return { status: statusToWire(await place.inject(order, stated)) };
      await place.check(order);
      return { status: undefined };
    }),
    listFaults: handlers.handle(async ({ ended }) => ({ faults: (await place.list(ended)).map(statusToWire) })),
    clearFaults: handlers.handle(async ({ names }) => {
      checkCount(names.length, LIMITS.faultNames, "names");
      for (const name of names) checkFaultName(name);
      return { cleared: (await place.clear(names)).map(statusToWire) };
    }),
  };
  return served("vmcslab.v1.FaultService", FaultServiceService, implementation);
}
