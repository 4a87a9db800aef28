import { type ChildProcess, spawn } from "node:child_process";
import { describe, expect, test } from "vitest";

// Processes run the built module, as all tests that start processes do.
const MODULE = new URL("../dist/lifeline.js", import.meta.url).href;
const CHILD = `
  import { lifeline } from ${JSON.stringify(MODULE)};
  lifeline(() => process.exit(0));
  setInterval(() => {}, 1000);
  console.log("up");
`;

/** A parent that starts a child with a lifeline and prints the child's process id. */
function parentOf(stdio: readonly string[]): string {
  const args = JSON.stringify(["--input-type=module", "-e", CHILD]);
  return `
    import { spawn } from "node:child_process";
    const child = spawn(process.execPath, ${args}, { stdio: ${JSON.stringify(stdio)} });
    child.stdout.once("data", () => console.log(child.pid));
    setInterval(() => {}, 1000);
  `;
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => child.stdout?.once("data", (data: Buffer) => resolve(data.toString().trim())));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe.each([
  ["an IPC channel", ["ignore", "pipe", "inherit", "ipc"]],
  ["a pipe on its stdin", ["pipe", "pipe", "inherit"]],
])("lifeline by %s", (_name, stdio) => {
  test("a child lives as long as its parent, and notices that it was killed with SIGKILL", async () => {
    const parent = spawn(process.execPath, ["--input-type=module", "-e", parentOf(stdio)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const pid = Number(await firstLine(parent));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(isAlive(pid)).toBe(true);
    parent.kill("SIGKILL");
    for (let i = 0; i < 100 && isAlive(pid); i++) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(isAlive(pid)).toBe(false);
  });
});
