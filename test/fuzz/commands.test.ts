/** The same through the command, as people meet it: exit codes, and messages that a person can read. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { vmcslab } from "../integration/cli-process.js";

const CORPUS = join(import.meta.dirname, "corpus");
const MESSAGE_LENGTH_MAX = 4500;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vmcslab-fuzz-cli-"));
  writeFileSync(join(folder, "binary"), Buffer.alloc(5000, 0x9c));
  copyFileSync(join(CORPUS, "history/h.l0.1.events"), join(folder, "h.l0.1.events"));
});

afterAll(() => rmSync(folder, { recursive: true }));

const corpus = (file: string) => (): string => join(CORPUS, file);
const made = (file: string) => (): string => join(folder, file);

describe("a file that is not what it should be", () => {
  test.each<[string, number, readonly string[], () => string]>([
    ["an experiment that is nested without end", 64, ["run"], corpus("experiment/nested.yaml")],
    ["an experiment that contains itself", 64, ["run"], corpus("experiment/contains-itself.yaml")],
    ["an experiment of bytes", 64, ["run"], made("binary")],
    [
      "a capture of bytes",
      64,
      ["run", "experiments/kvm-capture.yaml", "--set"],
      () => `workload.kvmTrace=${join(folder, "binary")}`,
    ],
    ["a program that is nested without end", 64, ["exec"], corpus("program/nested.jsonl")],
    ["recorded sequences that are nested without end", 64, ["exec", "--traces"], corpus("traces/nested.jsonl")],
    ["a scenario of bytes", 64, ["scenario"], made("binary")],
    ["a plan of bytes", 64, ["replay"], made("binary")],
    ["a history that is damaged, checked", 64, ["check"], () => folder],
    ["a history that is damaged, gone on with", 69, ["trace", "--dir"], () => folder],
    ["a journal that contradicts itself", 69, ["l0", "--journal"], () => `file:${journal()}`],
    ["a journal of bytes", 69, ["l0", "--journal"], () => `file:${join(folder, "binary")}`],
  ])("%s: exit code %i, with words", async (_, exitCode, args, file) => {
    const ended = await vmcslab([...args, file()], { env: { VMCSLAB_LOG_LEVEL: "silent" } });
    expect({ exitCode: ended.exitCode, stdout: ended.stdout }, ended.stderr.slice(0, 500)).toEqual({
      exitCode,
      stdout: "",
    });
    expect(ended.stderr).toMatch(/^vmcslab( exec)?: /m);
    expect(ended.stderr).not.toContain("this is a bug");
    expect(ended.stderr.length).toBeLessThan(MESSAGE_LENGTH_MAX);
  });
});

/** L0 writes to it. */
function journal(): string {
  const copy = join(folder, "journal");
  copyFileSync(join(CORPUS, "journal/vcpu-without-its-vmcs.bin"), copy);
  return copy;
}
