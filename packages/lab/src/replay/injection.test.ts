import { expect, it } from "vitest";
import { injectionOf } from "./injection.js";

it.each([
  ["nothing captured", undefined, "none"],
  ["not valid", 0x0000_0081, "none"],
  ["an external interrupt", 0x8000_0081, 0x8000_0081n],
  ["an NMI", 0x8000_0202, 0x8000_0202n],
  ["#UD", 0x8000_0306, 0x8000_0306n],
  ["#PF, whose error code is not in the capture", 0x8000_0b0e, "notReplayed"],
  ["#DF, whose error code is zero", 0x8000_0b08, 0x8000_0b08n],
  ["INT n, whose length is not in the capture", 0x8000_0480, "notReplayed"],
])("%s", (_, captured, written) => {
  expect(injectionOf(captured)).toBe(written);
});
