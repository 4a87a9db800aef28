import { describe, expect, it } from "vitest";
import { RandomStream } from "./random.js";

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
});
