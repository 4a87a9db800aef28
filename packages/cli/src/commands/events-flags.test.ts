import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventsBus } from "./events-flags.js";

const BUS = { traceAddress: "127.0.0.1:7200" };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vmcslab-flags-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  delete process.env.EVENT_SPOOL;
  delete process.env.EVENT_BUFFER;
});

test("nothing said: the bus as it is", () => {
  expect(eventsBus({}, BUS)).toEqual(BUS);
  expect(eventsBus({}, {})).toEqual({});
});

test("a spool and a bound, from flags, else from the environment", () => {
  const spool = join(folder, "new", "spool");
  const said = { ...BUS, spool, bufferedEvents: 2000 };
  expect(eventsBus({ spool, eventBuffer: "2000" }, BUS)).toEqual(said);
  expect(existsSync(spool)).toBe(true);
  process.env.EVENT_SPOOL = spool;
  process.env.EVENT_BUFFER = "2000";
  expect(eventsBus({}, BUS)).toEqual(said);
  expect(eventsBus({ eventBuffer: "1024" }, BUS)).toMatchObject({ bufferedEvents: 1024 });
});

test.each([
  [{ spool: "x" }, {}, "--spool keeps events until a bus has them: give --trace or --nats as well"],
  [{ spool: fileURLToPath(import.meta.url) }, BUS, "cannot be written (EEXIST)"],
  [{ eventBuffer: "100" }, BUS, "--event-buffer: 100 events; it holds 1024 to 10000000"],
  [{ eventBuffer: "many" }, BUS, '--event-buffer: "many" is not a whole number'],
])("%j is refused", (flags, bus, message) => {
  expect(() => eventsBus(flags, bus)).toThrow(message);
});
