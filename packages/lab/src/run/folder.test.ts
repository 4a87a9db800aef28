import { existsSync, lstatSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { UsageError } from "../errors.js";
import { parseExperiment } from "../experiment/load.js";
import { createRunFolder, linkLatest } from "./folder.js";

const { experiment } = parseExperiment("name: a\nworkload: { kvmTrace: t }", "e.yaml");
const STARTED_AT = "2025-01-02T03:04:05.678Z";

let runs = "";
beforeEach(() => {
  runs = mkdtempSync(join(tmpdir(), "vmcslab-folder-"));
});
afterEach(() => rmSync(runs, { recursive: true }));

it("is made with every folder above it, and one for each run", async () => {
  const dir = join(runs, "deep", "er");
  const first = await createRunFolder(dir, experiment, 7, STARTED_AT);
  const second = await createRunFolder(dir, experiment, 7, STARTED_AT);
  expect(first.path).toBe(join(dir, "a", "20250102T030405Z-7"));
  expect(second.path).toBe(join(dir, "a", "20250102T030405Z-7-2"));
  expect(existsSync(join(first.path, "experiment.yaml"))).toBe(true);
});

it("is `latest` only when the run has ended", async () => {
  const latest = join(runs, "a", "latest");
  const folder = await createRunFolder(runs, experiment, 7, STARTED_AT);
  expect(existsSync(latest)).toBe(false);
  await linkLatest(folder);
  expect(lstatSync(latest).isSymbolicLink()).toBe(true);
  expect(readlinkSync(latest)).toBe(basename(folder.path));
});

it.skipIf(process.platform !== "linux")("fails at once where no folder can be", async () => {
  await expect(createRunFolder("/proc/x", experiment, 7, STARTED_AT)).rejects.toThrow(UsageError);
});

it("fails at once below a file", async () => {
  writeFileSync(join(runs, "file"), "");
  await expect(createRunFolder(join(runs, "file", "runs"), experiment, 7, STARTED_AT)).rejects.toThrow(
    /^cannot write the run's folder below .*: ENOTDIR/,
  );
});
