import type { CreateVcpuRequest, GuestExitRequest, HostCounters } from "@vmcslab/nested";
import { cpuModelNamed } from "@vmcslab/vmx";
import type { CpuRegistration } from "../client/l0-client.js";
import type {
  RegisterCpuRequest,
  CreateVcpuRequest as WireCreateVcpuRequest,
  GuestExitRequest as WireGuestExitRequest,
  HostCounters as WireHostCounters,
} from "../generated/vmcslab/v1/l0.js";
import { LIMITS, shown } from "../limits.js";
import { InvalidMessage } from "./invalid-message.js";
import { defined, toNumber } from "./numbers.js";
import { between, checkCount } from "./ranges.js";

/** Basic exit reasons have 16 bits (SDM, "Basic VM-Exit Information"). */
const EXIT_REASON_MAX = 0xffff;

export function createVcpuToWire(request: CreateVcpuRequest): WireCreateVcpuRequest {
  return { cpu: request.cpu, vm: request.vm, poolSize: request.poolSize };
}

/** Throws {@link InvalidMessage} for a pool that is too large. */
export function createVcpuFromWire({ cpu, vm, poolSize }: WireCreateVcpuRequest): CreateVcpuRequest {
  if (poolSize !== undefined) between(poolSize, 0, LIMITS.poolSize.max, "pool_size");
  return { cpu, ...defined({ vm, poolSize }) };
}

export function guestExitToWire(request: GuestExitRequest): WireGuestExitRequest {
  const { vcpu, reason, qualification, interruptForL1 } = request;
  const guest = request.guest.map(([encoding, value]) => ({ encoding, value }));
  return { vcpu, reason, qualification, guest, interruptForL1 };
}

/** Throws {@link InvalidMessage} for a reason that is not a basic exit reason, and for too many fields. */
export function guestExitFromWire(message: WireGuestExitRequest): GuestExitRequest {
  const { vcpu, reason, qualification, interruptForL1 } = message;
  if (reason > EXIT_REASON_MAX) throw new InvalidMessage(`exit reason ${reason} has more than 16 bits`);
  checkCount(message.guest.length, LIMITS.guestFields, "guest fields");
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

const HOST_PORT = /^(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?):(\d{1,5})$/i;
const PORT_MAX = 65_535;

/** Throws {@link InvalidMessage} for what cannot be a CPU, or cannot be reached. */
export function registrationFromWire({ cpu, address, incarnation, model }: RegisterCpuRequest): CpuRegistration {
  between(cpu, 0, LIMITS.cpu.max, "cpu");
  const port = address.length > LIMITS.addressCharacters.max ? undefined : HOST_PORT.exec(address)?.[1];
  if (port === undefined || Number(port) < 1 || Number(port) > PORT_MAX)
    throw new InvalidMessage(`address "${shown(address)}" is not host:port, with a port from 1 to ${PORT_MAX}`);
  if (incarnation === 0n) throw new InvalidMessage("incarnation is missing");
  if (cpuModelNamed(model) === undefined) throw new InvalidMessage(`there is no CPU model "${shown(model)}"`);
  return { cpu, address, model, incarnation: toNumber(incarnation, "incarnation") };
}
