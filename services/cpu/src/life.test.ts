import { systemClock } from "@vmcslab/runtime";
import { expect, test } from "vitest";
import { CpuLife } from "./life.js";

const HOUR_US = 3_600_000_000;
const OVER = { ready: false, session: 1, leaseMs: 0, over: true };

test("a life that begins after the wall clock was put back is later than the last one that L0 has seen", () => {
  const begun: number[] = [];
  const life = new CpuLife({
    clock: systemClock,
    onExpired: () => undefined,
    onOver: () => undefined,
    onBegun: (incarnation) => begun.push(incarnation),
  });
  const newest = life.incarnation + HOUR_US;
  life.answered(life.beat(), { ...OVER, newest });
  expect(begun).toEqual([newest + 1]);
  expect(life.incarnation).toBe(newest + 1);
  life.answered(life.beat(), { ...OVER, newest: 0 });
  expect(begun).toEqual([newest + 1, newest + 2]);
  life.stop();
});
