import type { CpuRecord, CpuReport, FieldValues, JournalRecord, VcpuRecord } from "@vmcslab/nested";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CpuReport as WireCpuReport } from "../generated/vmcslab/v1/interconnect.js";
import { JournalRecord as WireJournalRecord } from "../generated/vmcslab/v1/journal.js";
import { cpuReportFromWire, cpuReportToWire } from "./cpu-report.js";
import { InvalidMessage } from "./invalid-message.js";
import { journalRecordFromWire, journalRecordToWire } from "./journal.js";

const word = fc.nat({ max: 0xffff_ffff });
const small = fc.nat({ max: 0x7fff_ffff });
const address = fc.nat({ max: 2 ** 52 - 1 });
const pointer = fc.oneof(fc.constant(-1), address);
const identity = fc.integer({ min: -1, max: 0x7fff_ffff });
const large = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const fields: fc.Arbitrary<FieldValues> = fc
  .array(fc.tuple(word, word, word), { maxLength: 10 })
  .map((rows) => ({ encodings: rows.map((r) => r[0]), low: rows.map((r) => r[1]), high: rows.map((r) => r[2]) }));

const vmcs = fc.record({
  ...{ id: small, region: address, role: fc.constantFrom("vmcs01" as const, "vmcs02" as const), cpu: identity },
  ...{ launched: fc.boolean(), epoch: large, activatedBy: large, initialised: fc.boolean() },
  ...{ missesWrites: fc.boolean(), home: fields, known: fields },
});

const recordedVcpu = fc.record({
  ...{ id: small, vm: small, operation: large, cpu: small, poolSize: small, vmxon: fc.boolean() },
  ...{ vmxonPointer: pointer, currentVmptr: pointer, guestMode: fc.boolean(), killed: fc.boolean() },
  ...{ vmcs12Launched: fc.boolean(), vmcs12: fields, vmcs01: small, loaded: small },
  pool: fc.array(fc.record({ vmptr: address, vmcs: small }), { maxLength: 4 }),
  vmcss: fc.array(vmcs, { maxLength: 3 }),
});

const vcpu: fc.Arbitrary<VcpuRecord> = fc
  .tuple(recordedVcpu, fc.option(small, { nil: undefined }))
  .map(([facts, spareVmcs02]) => (spareVmcs02 === undefined ? facts : { ...facts, spareVmcs02 }));

const cpu: fc.Arbitrary<CpuRecord> = fc.record({
  ...{ number: small, incarnation: large, online: fc.boolean() },
  vmxonRegion: fc.option(address, { nil: undefined }),
});

const record: fc.Arbitrary<JournalRecord> = fc.record({
  next: fc.record({ operation: large, vcpu: small, vm: small, vmcs: small }),
  vcpus: fc.array(vcpu, { maxLength: 3 }),
  destroyed: fc.array(small, { maxLength: 4 }),
  pages: fc.array(
    fc.record({
      ...{ vm: small, address, launchInitialised: fc.boolean() },
      ...{ offsets: fc.array(fc.nat({ max: 1023 })), values: fc.array(word) },
    }),
    { maxLength: 3 },
  ),
  cpus: fc.array(cpu, { maxLength: 4 }),
});

const report: fc.Arbitrary<CpuReport> = fc.record({
  vmxonRegion: fc.option(address, { nil: undefined }),
  held: fc.array(
    fc.record({ region: address, epoch: large, launched: fc.boolean(), activatedBy: large, changedBy: large }),
  ),
});

describe("what L0 remembers, as bytes", () => {
  test("a record is the same when it comes back", () => {
    fc.assert(
      fc.property(record, (original) => {
        const bytes = WireJournalRecord.encode(journalRecordToWire(original)).finish();
        expect(journalRecordFromWire(WireJournalRecord.decode(bytes))).toEqual(original);
      }),
    );
  });

  test("a record without its numbers is refused", () => {
    expect(() => journalRecordFromWire(WireJournalRecord.decode(new Uint8Array()))).toThrow(InvalidMessage);
  });

  test("a CPU's report is the same when it comes back", () => {
    fc.assert(
      fc.property(report, (original) => {
        const bytes = WireCpuReport.encode(cpuReportToWire(original)).finish();
        expect(cpuReportFromWire(WireCpuReport.decode(bytes))).toEqual(original);
      }),
    );
  });
});
