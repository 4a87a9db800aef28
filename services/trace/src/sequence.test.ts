import { describe, expect, test } from "vitest";
import { Sequence } from "./sequence.js";

describe("the sequence of a source", () => {
  test("without gaps: everything is stored", () => {
    const sequence = new Sequence();
    sequence.accept(1, 3);
    expect(sequence.repeated(4, 2)).toBe(0);
    sequence.accept(4, 2);
    expect(sequence).toMatchObject({ published: 5, stored: 5, lost: 0, duplicates: 0 });
  });

  test("numbers that are skipped are lost", () => {
    const sequence = new Sequence();
    sequence.accept(1, 3);
    sequence.accept(10, 1);
    expect(sequence).toMatchObject({ published: 10, stored: 4, lost: 6, duplicates: 0 });
  });

  test("a batch that comes twice, in whole or in part, is stored once", () => {
    const sequence = new Sequence();
    sequence.accept(1, 3);
    expect(sequence.repeated(1, 3)).toBe(3);
    sequence.accept(1, 3);
    expect(sequence.repeated(2, 4)).toBe(2);
    sequence.accept(2, 4);
    expect(sequence).toMatchObject({ published: 5, stored: 5, lost: 0, duplicates: 5 });
  });

  test("a life that stated where it ends has ended, unless something comes after that", () => {
    const sequence = new Sequence();
    sequence.accept(1, 3);
    sequence.accept(4, 0);
    expect(sequence.ended).toBe(false);
    sequence.accept(4, 0, true);
    expect(sequence.ended).toBe(true);
    sequence.accept(2, 2);
    expect(sequence.ended).toBe(true);
    sequence.accept(4, 1);
    expect(sequence.ended).toBe(false);
    sequence.accept(7, 0, true);
    expect(sequence).toMatchObject({ ended: true, published: 6, lost: 2 });
  });

  test("a batch without events reveals a loss at the end", () => {
    const sequence = new Sequence();
    sequence.accept(1, 3);
    sequence.accept(4, 0);
    expect(sequence.lost).toBe(0);
    sequence.accept(8, 0);
    expect(sequence).toMatchObject({ published: 7, stored: 3, lost: 4 });
    sequence.accept(8, 1);
    expect(sequence).toMatchObject({ published: 8, stored: 4, lost: 4 });
  });
});
