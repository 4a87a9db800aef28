import { Scheduler } from "@vmcslab/sim";
import { expect, it } from "vitest";
import { VirtualTime } from "./virtual-time.js";

function newTime(): { scheduler: Scheduler; time: VirtualTime; broken: string[] } {
  const scheduler = new Scheduler();
  const broken: string[] = [];
  return { scheduler, time: new VirtualTime(scheduler, (what) => broken.push(what)), broken };
}

/** As many microtasks as a deep call chain takes. */
async function deep(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve();
}

it("stands still while a continuation runs, however many microtasks it takes, though something is due", async () => {
  const { scheduler, time } = newTime();
  const seen: string[] = [];
  for (let at = 1; at < 20; at++) scheduler.at(at * 1_000_000, () => seen.push(`${at} ms`));
  const slow = async (): Promise<void> => {
    await time.clock.sleep(2);
    const startNs = time.clock.monoNs();
    await deep(5_000);
    seen.push(`worked ${time.clock.monoNs() - startNs} ns`);
    await time.clock.sleep(2);
    seen.push(`slow at ${time.clock.monoNs() / 1e6} ms`);
  };
  const quick = async (): Promise<void> => {
    await time.clock.sleep(3);
    seen.push("quick");
  };
  await Promise.all([slow(), quick()]);
  expect(seen).toEqual(["1 ms", "2 ms", "worked 0 ns", "3 ms", "quick", "4 ms", "slow at 4 ms"]);
});

it("stands still when nobody waits", async () => {
  const { scheduler, time } = newTime();
  await time.clock.sleep(1);
  scheduler.at(1_500_000, () => undefined);
  await new Promise((resolve) => setImmediate(resolve));
  expect([scheduler.nowNs, scheduler.pending]).toEqual([1_000_000, 1]);
});

it("a sleep ends at once when its signal aborts, and leaves no timer", async () => {
  const { scheduler, time } = newTime();
  const controller = new AbortController();
  scheduler.at(5_000_000, () => controller.abort());
  await time.clock.sleep(60_000, controller.signal);
  expect([time.clock.monoNs(), scheduler.pending]).toEqual([5_000_000, 0]);
  await time.clock.sleep(60_000, controller.signal);
  expect(time.clock.monoNs()).toBe(5_000_000);
});

it.each([
  ["what it calls throws", "the simulated host stopped: it broke", true],
  [
    "nothing will ever happen",
    "the simulated host stopped: an hour of virtual time passed, and no operation ended",
    false,
  ],
])("gives up everybody who waits when %s", async (_, said, throws) => {
  const { scheduler, time, broken } = newTime();
  if (throws)
    scheduler.at(1, () => {
      throw new Error("it broke");
    });
  const waits = [1, 2].map((number) =>
    time.wait<string>(
      () => undefined,
      () => `lost ${number}`,
    ),
  );
  expect(await Promise.all(waits)).toEqual(["lost 1", "lost 2"]);
  expect(broken).toEqual([said]);
  const late = time.wait<string>(
    () => undefined,
    () => "lost too",
  );
  expect(await late).toBe("lost too");
});
