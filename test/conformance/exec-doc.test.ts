/** The example of docs/exec.md is run as it stands there. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createExecutor } from "../../packages/lab/src/exec/index.js";

const EXAMPLE = /<<'PROGRAM'\n(?<program>.*?)\nPROGRAM\n(?<results>.*?)\n```/s;

test("docs/exec.md: the program prints what the page says", () => {
  const page = readFileSync(new URL("../../docs/exec.md", import.meta.url), "utf8");
  const { program = "", results = "" } = EXAMPLE.exec(page)?.groups ?? {};
  const executor = createExecutor();
  const printed = program.split("\n").map((line) => {
    const answer = executor.line(line);
    return answer === "blank" ? "" : JSON.stringify(answer.result);
  });
  expect(printed.join("\n")).toBe(results);
  expect(printed.length).toBeGreaterThan(10);
});
