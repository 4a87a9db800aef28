/** Guest-state fields that a guest may change at will, of every processor model, and with any other field as it is. */
import type { FieldValue } from "./l1-vcpu.js";

/** A value of the field that differs from its neighbours': the `number`-th, of 4,096. */
type Value = (number: bigint) => bigint;

const canonical: Value = (number) => 0x7000_0000_0000n + number * 0x1000n;
const below4GiB: Value = (number) => 0x1000_0000n + number * 0x1000n;
const selector: Value = (number) => (number + 1n) * 8n;
const descriptorTableLimit: Value = (number) => 0x1000n + number;

/** In this order they are changed: first those that a guest changes most. */
export const WRITABLE_FIELDS: readonly (readonly [encoding: number, name: string, value: Value])[] = [
  [0x681e, "GUEST_RIP", canonical],
  [0x681c, "GUEST_RSP", canonical],
  [0x6802, "GUEST_CR3", below4GiB],
  [0x6810, "GUEST_GS_BASE", canonical],
  [0x680e, "GUEST_FS_BASE", canonical],
  [0x6824, "GUEST_SYSENTER_ESP", canonical],
  [0x6826, "GUEST_SYSENTER_EIP", canonical],
  [0x482a, "GUEST_SYSENTER_CS", selector],
  [0x6816, "GUEST_GDTR_BASE", canonical],
  [0x6818, "GUEST_IDTR_BASE", canonical],
  [0x4810, "GUEST_GDTR_LIMIT", descriptorTableLimit],
  [0x4812, "GUEST_IDTR_LIMIT", descriptorTableLimit],
  [0x6814, "GUEST_TR_BASE", canonical],
  [0x6806, "GUEST_ES_BASE", below4GiB],
  [0x6808, "GUEST_CS_BASE", below4GiB],
  [0x680a, "GUEST_SS_BASE", below4GiB],
  [0x680c, "GUEST_DS_BASE", below4GiB],
  [0x0800, "GUEST_ES_SELECTOR", selector],
  [0x0802, "GUEST_CS_SELECTOR", selector],
  [0x0804, "GUEST_SS_SELECTOR", selector],
  [0x0806, "GUEST_DS_SELECTOR", selector],
  [0x0808, "GUEST_FS_SELECTOR", selector],
  [0x080a, "GUEST_GS_SELECTOR", selector],
  [0x080e, "GUEST_TR_SELECTOR", selector],
];

const VALUES = 4_096;

/** New values of the first `count` fields, the `round`-th time: none is what it was the time before. */
export function changedFields(count: number, round: number): FieldValue[] {
  const number = BigInt(round % VALUES);
  return WRITABLE_FIELDS.slice(0, count).map(([encoding, , value]) => [encoding, value(number)]);
}
