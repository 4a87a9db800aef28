import type { CpuReport } from "@vmcslab/nested";
import type { CpuReport as WireCpuReport } from "../generated/vmcslab/v1/interconnect.js";
import { toNumber } from "./numbers.js";

export function cpuReportToWire({ vmxonRegion, held }: CpuReport): WireCpuReport {
  return {
    vmxonRegion: vmxonRegion === undefined ? undefined : BigInt(vmxonRegion),
    held: held.map(({ region, epoch, launched, activatedBy, changedBy }) => ({
      region: BigInt(region),
      epoch: BigInt(epoch),
      launched,
      activatedBy: BigInt(activatedBy),
      changedBy: BigInt(changedBy),
    })),
  };
}

export function cpuReportFromWire({ vmxonRegion, held }: WireCpuReport): CpuReport {
  return {
    vmxonRegion: vmxonRegion === undefined ? undefined : toNumber(vmxonRegion, "VMXON region"),
    held: held.map(({ region, epoch, launched, activatedBy, changedBy }) => ({
      region: toNumber(region, "region"),
      epoch: toNumber(epoch, "epoch"),
      launched,
      activatedBy: toNumber(activatedBy, "operation"),
      changedBy: toNumber(changedBy, "operation"),
    })),
  };
}
