import { describe, expect, it } from "vitest";
import { RandomStream } from "./random-stream.js";

function draw(stream: RandomStream, count: number): number[] {
  return Array.from({ length: count }, () => stream.next32());
}

describe("a random stream", () => {
  it("is frozen: a seed means the same for ever", () => {
    expect(draw(new RandomStream("7"), 4)).toMatchInlineSnapshot(`
      [
        3090031709,
        1740206369,
        2339094715,
        181616503,
      ]
    `);
  });

  it("forks do not depend on what was drawn before, and differ by name", () => {
    const fresh = new RandomStream("7");
    const used = new RandomStream("7");
    draw(used, 100);
    expect(draw(fresh.fork("a"), 8)).toEqual(draw(used.fork("a"), 8));
    expect(draw(fresh.fork("a"), 8)).not.toEqual(draw(fresh.fork("b"), 8));
  });

  it("below is even and stays below", () => {
    const stream = new RandomStream("1");
    const counts = [0, 0, 0];
    for (let i = 0; i < 30_000; i++) {
      const drawn = stream.below(3);
      counts[drawn] = (counts[drawn] ?? 0) + 1;
    }
    for (const count of counts) expect(count).toBeGreaterThan(9_700);
  });

  it("unit takes two draws, the first on top, and stays below 1", () => {
    const drawn = new RandomStream("7");
    const [high, low] = draw(new RandomStream("7"), 2).map(BigInt);
    const bits = ((high ?? 0n) >> 5n) * 2n ** 26n + ((low ?? 0n) >> 6n);
    expect(drawn.unit()).toBe(Number(bits) / 2 ** 53);
    const units = Array.from({ length: 10_000 }, () => drawn.unit());
    expect(Math.min(...units)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...units)).toBeLessThan(1);
    const mean = units.reduce((sum, unit) => sum + unit, 0) / units.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.01);
  });
});
