import { afterEach, expect, it } from "vitest";
import { systemClock } from "./clock.js";
import { Metronome } from "./metronome.js";

let metronome: Metronome | undefined;

afterEach(async () => {
  await metronome?.close();
});

function start(): Metronome {
  metronome = new Metronome(systemClock.monoNs);
  return metronome;
}

it("ends sleeps in the order of their instants, none early, whichever was asked for first", async () => {
  const { sleep } = withOrder(start());
  const order = await sleep([12, 3.5, 0.2, 7.25, 3.5, 0.2]);
  expect(order).toEqual([0.2, 0.2, 3.5, 3.5, 7.25, 12]);
});

it("one sleep after another, many times: none is lost", async () => {
  const running = start();
  const vcpus = Array.from({ length: 8 }, async (_, index) => {
    for (let round = 0; round < 100; round++) await running.sleep(((index * 7 + round) % 5) * 0.1);
    return index;
  });
  expect(await Promise.all(vcpus)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

it("a sleep ends at once when its signal aborts, and the others go on", async () => {
  const running = start();
  const abort = new AbortController();
  const ended: string[] = [];
  const long = running.sleep(600_000, abort.signal).then(() => ended.push("aborted"));
  const other = running.sleep(5).then(() => ended.push("other"));
  abort.abort();
  await Promise.all([long, other]);
  expect(ended).toEqual(["aborted", "other"]);
  await running.sleep(600_000, abort.signal);
});

it("to close it ends every sleep", async () => {
  const running = start();
  const sleeping = running.sleep(600_000);
  await running.close();
  await sleeping;
  await running.sleep(600_000);
});

/** Sleeps side by side; the order in which they ended. */
function withOrder(running: Metronome) {
  return {
    sleep: async (delaysMs: readonly number[]): Promise<number[]> => {
      const order: number[] = [];
      await Promise.all(
        delaysMs.map(async (delayMs) => {
          const startNs = systemClock.monoNs();
          await running.sleep(delayMs);
          expect(systemClock.monoNs() - startNs).toBeGreaterThanOrEqual(delayMs * 1e6);
          order.push(delayMs);
        }),
      );
      return order;
    },
  };
}
