/** Invariant 4 as L1 sees it: what it reads after an exit is what L2 had when it left. */
import { EXIT_REASON, GUEST_RIP, GUEST_RSP } from "./fields.js";
import type { Findings } from "./findings.js";
import type { FieldValue, L1Vcpu } from "./l1-vcpu.js";

/** What L2 had when it left; a part that is undefined is not compared. */
export interface LeftBehind {
  readonly rip?: bigint;
  readonly rsp?: bigint;
  /** Basic exit reason. */
  readonly reason?: number;
}

/** VMREADs what is expected, and notes a violation for each difference. The current vmcs12 must be that of the L2. */
export async function inspect(l1: L1Vcpu, expected: LeftBehind, findings: Findings): Promise<void> {
  await inspectFields(l1, fieldsOf(expected), findings);
}

/** The same of any fields. */
export async function inspectFields(l1: L1Vcpu, wanted: readonly FieldValue[], findings: Findings): Promise<void> {
  if (wanted.length === 0) return;
  const values = await l1.read(
    "inspect",
    wanted.map(([encoding]) => encoding),
  );
  wanted.forEach(([encoding, value], index) => {
    const read = values[index];
    if (read === value) return;
    const place = `vcpu ${l1.id} on CPU ${l1.cpu}, vmcs12 ${hex(l1.current)}`;
    const message = `${place}: L1 reads ${hex(read)} from field ${hex(encoding)}, L2 left with ${hex(value)}`;
    findings.violation({ invariant: 4, check: "lostUpdate", message });
  });
}

/** The guest-state fields that a leaving L2 takes along. */
export function guestStateOf({ rip, rsp }: LeftBehind): FieldValue[] {
  return fieldsOf({ ...(rip === undefined ? {} : { rip }), ...(rsp === undefined ? {} : { rsp }) });
}

function fieldsOf({ rip, rsp, reason }: LeftBehind): FieldValue[] {
  const fields: FieldValue[] = [];
  if (rip !== undefined) fields.push([GUEST_RIP, rip]);
  if (rsp !== undefined) fields.push([GUEST_RSP, rsp]);
  if (reason !== undefined) fields.push([EXIT_REASON, BigInt(reason)]);
  return fields;
}

function hex(value: number | bigint | undefined): string {
  return value === undefined ? "nothing" : `0x${value.toString(16)}`;
}
