import type { L1Instruction, L1Outcome, NestedState } from "@vmcslab/nested";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  GetNestedStateResponse,
  L1Operation,
  L1Instruction as WireL1Instruction,
  L1Outcome as WireL1Outcome,
} from "../generated/vmcslab/v1/l0.js";
import { l1InstructionFromWire, l1InstructionToWire, l1OutcomeFromWire, l1OutcomeToWire } from "./l1.js";
import { nestedStateFromWire, nestedStateToWire } from "./nested-state.js";

const quad = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const word = fc.nat({ max: 0xffff_ffff });
const yes = fc.constant(true as const);

const instruction: fc.Arbitrary<L1Instruction> = fc.oneof(
  fc.record(
    { op: fc.constantFrom("vmxon", "vmclear", "vmptrld", "zero"), addr: quad, user: yes },
    { requiredKeys: ["op", "addr"] },
  ),
  fc.record({ op: fc.constantFrom("vmxoff", "vmptrst"), user: yes }, { requiredKeys: ["op"] }),
  fc.record({ op: fc.constant("vmread"), field: quad, user: yes }, { requiredKeys: ["op", "field"] }),
  fc.record(
    { op: fc.constant("vmwrite"), field: quad, value: quad, user: yes },
    { requiredKeys: ["op", "field", "value"] },
  ),
  fc.record({ op: fc.constantFrom("vmlaunch", "vmresume"), movSs: yes, user: yes }, { requiredKeys: ["op"] }),
  fc.record(
    { op: fc.constant("write32"), addr: quad, value: word, user: yes },
    { requiredKeys: ["op", "addr", "value"] },
  ),
);

const outcome: fc.Arbitrary<L1Outcome> = fc.record(
  {
    status: fc.constantFrom("succeed", "failInvalid", "failValid", "exception", "l2", "vmexit"),
    error: word,
    vector: word,
    value: quad,
    reason: word,
    qualification: quad,
  },
  { requiredKeys: ["status"] },
);

const loaded = {
  vmcs: word,
  region: fc.nat({ max: 2 ** 52 - 1 }),
  cpu: fc.integer({ min: -1, max: 0xffff }),
  launched: fc.boolean(),
};

const nestedState: fc.Arbitrary<NestedState> = fc.record({
  vcpu: word,
  vm: word,
  cpu: word,
  vmxon: fc.boolean(),
  vmxonPointer: quad,
  currentVmptr: quad,
  guestMode: fc.boolean(),
  loadedVmcs: word,
  vmcs01: fc.record(loaded),
  poolSize: word,
  pool: fc.array(fc.record({ ...loaded, vmptr: quad }), { maxLength: 5 }),
});

describe("L1 on the wire", () => {
  test("every instruction comes back as it was sent", () => {
    fc.assert(
      fc.property(instruction, (sent) => {
        const bytes = WireL1Instruction.encode(l1InstructionToWire(sent)).finish();
        expect(l1InstructionFromWire(WireL1Instruction.decode(bytes))).toStrictEqual(structuredClone(sent));
      }),
    );
  });

  test("every outcome comes back as it was sent", () => {
    fc.assert(
      fc.property(outcome, (sent) => {
        const bytes = WireL1Outcome.encode(l1OutcomeToWire(sent)).finish();
        expect(l1OutcomeFromWire(WireL1Outcome.decode(bytes))).toStrictEqual(structuredClone(sent));
      }),
    );
  });

  test("every nested state comes back as it was sent, its pool in order", () => {
    fc.assert(
      fc.property(nestedState, (sent) => {
        const bytes = GetNestedStateResponse.encode(nestedStateToWire(sent)).finish();
        expect(nestedStateFromWire(GetNestedStateResponse.decode(bytes))).toStrictEqual(structuredClone(sent));
      }),
    );
  });

  test("an instruction that lacks its operand is refused, and says which", () => {
    const blank = WireL1Instruction.decode(new Uint8Array());
    expect(() => l1InstructionFromWire(blank)).toThrow("L1 operation 0 is not known");
    expect(() => l1InstructionFromWire({ ...blank, op: L1Operation.VMPTRLD })).toThrow("address of vmptrld is missing");
    const wide = { ...blank, op: L1Operation.WRITE32, address: 0n, value: 1n << 32n };
    expect(() => l1InstructionFromWire(wide)).toThrow("write32 stores 32 bits, 0x100000000 has more");
  });
});
