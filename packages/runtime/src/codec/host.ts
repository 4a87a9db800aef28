import type { CreateVcpuRequest, GuestExitRequest, HostCounters } from "@vmcslab/nested";
import type {
  CreateVcpuRequest as WireCreateVcpuRequest,
  GuestExitRequest as WireGuestExitRequest,
  HostCounters as WireHostCounters,
} from "../generated/vmcslab/v1/l0.js";
import { InvalidMessage } from "./invalid-message.js";
import { defined, toNumber } from "./numbers.js";

/** Basic exit reasons have 16 bits (SDM, "Basic VM-Exit Information"). */
const EXIT_REASON_MAX = 0xffff;

export function createVcpuToWire(request: CreateVcpuRequest): WireCreateVcpuRequest {
  return { cpu: request.cpu, vm: request.vm, poolSize: request.poolSize };
}

export function createVcpuFromWire({ cpu, vm, poolSize }: WireCreateVcpuRequest): CreateVcpuRequest {
  return { cpu, ...defined({ vm, poolSize }) };
}

export function guestExitToWire(request: GuestExitRequest): WireGuestExitRequest {
  const { vcpu, reason, qualification, interruptForL1 } = request;
  const guest = request.guest.map(([encoding, value]) => ({ encoding, value }));
  return { vcpu, reason, qualification, guest, interruptForL1 };
}

/** Throws {@link InvalidMessage} for a reason that is not a basic exit reason. */
export function guestExitFromWire(message: WireGuestExitRequest): GuestExitRequest {
  const { vcpu, reason, qualification, interruptForL1 } = message;
  if (reason > EXIT_REASON_MAX) throw new InvalidMessage(`exit reason ${reason} has more than 16 bits`);
  const guest = message.guest.map(({ encoding, value }) => [encoding, value] as const);
  return { vcpu, reason, qualification, guest, ...defined({ interruptForL1 }) };
}

export function countersToWire(counters: HostCounters): WireHostCounters {
  return {
    clearsLocal: BigInt(counters.clearsLocal),
    clearsCrossCpu: BigInt(counters.clearsCrossCpu),
    clearsInitial: BigInt(counters.clearsInitial),
    poolHits: BigInt(counters.poolHits),
    poolRecycles: BigInt(counters.poolRecycles),
    poolAllocations: BigInt(counters.poolAllocations),
    poolFrees: BigInt(counters.poolFrees),
    nestedEntries: BigInt(counters.nestedEntries),
    nestedExits: BigInt(counters.nestedExits),
    migrations: BigInt(counters.migrations),
  };
}

export function countersFromWire(message: WireHostCounters): HostCounters {
  return {
    clearsLocal: toNumber(message.clearsLocal, "clears_local"),
    clearsCrossCpu: toNumber(message.clearsCrossCpu, "clears_cross_cpu"),
    clearsInitial: toNumber(message.clearsInitial, "clears_initial"),
    poolHits: toNumber(message.poolHits, "pool_hits"),
    poolRecycles: toNumber(message.poolRecycles, "pool_recycles"),
    poolAllocations: toNumber(message.poolAllocations, "pool_allocations"),
    poolFrees: toNumber(message.poolFrees, "pool_frees"),
    nestedEntries: toNumber(message.nestedEntries, "nested_entries"),
    nestedExits: toNumber(message.nestedExits, "nested_exits"),
    migrations: toNumber(message.migrations, "migrations"),
  };
}
