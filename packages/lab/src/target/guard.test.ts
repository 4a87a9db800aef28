import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@vmcslab/runtime";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startGuard } from "./guard.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vmcslab-guard-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

it("acts a second after the lease, with its arguments as they are", async () => {
  const file = join(folder, "it's $HOME");
  const guard = startGuard(100e6, 'touch "$1"', [file]);
  await guard.ready;
  await systemClock.sleep(500);
  expect(existsSync(file)).toBe(false);
  await expect.poll(() => existsSync(file), { timeout: 10_000 }).toBe(true);
  guard.cancel();
});

it("does nothing when it is cancelled, before or after it is needed", async () => {
  const file = join(folder, "touched");
  const guard = startGuard(0, 'touch "$1"', [file]);
  await guard.ready;
  guard.cancel();
  await systemClock.sleep(1500);
  expect(existsSync(file)).toBe(false);
  guard.cancel();
});
