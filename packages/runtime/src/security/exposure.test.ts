import { expect, test } from "vitest";
import { Credentials } from "./credentials.js";
import { isExposed, isLoopback } from "./exposure.js";

test.each(["127.0.0.1:0", "127.8.8.8:7000", "localhost:7000", "[::1]:7000"])("%s is this machine's", (address) => {
  expect(isLoopback(address)).toBe(true);
});

test.each([
  "0.0.0.0:7000",
  "[::]:7000",
  "10.0.0.1:7000",
  "localhost.example:7000",
  "127.0.0.1.example:1",
  ":7000",
  "l0:7000",
])("%s others may reach", (address) => {
  expect(isLoopback(address)).toBe(false);
  expect(isExposed(address, Credentials.none)).toBe(true);
  expect(isExposed(address, new Credentials({ insecure: true }))).toBe(false);
});
