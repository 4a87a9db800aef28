import { expect, it } from "vitest";
import { unreadable } from "./errors.js";

it.each([
  ["ENOENT", 64, "f: there is no such file"],
  ["EISDIR", 64, "f: this is a folder; give a file"],
  ["EACCES", 69, "f: the file may not be read (why)"],
  ["EIO", 69, "f: the file cannot be read: why"],
])("a file that cannot be read: %s", (code, exitCode, message) => {
  const error = unreadable("f", Object.assign(new Error("why"), { code }));
  expect(error).toMatchObject({ exitCode, message });
});
