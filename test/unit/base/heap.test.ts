import { describe, expect, test } from "bun:test";
import { array, assert, integer, property } from "fast-check";
import { Heap } from "../../../src/base/heap.ts";

function emptied<T>(heap: Heap<T>): T[] {
  const items: T[] = [];
  for (let item = heap.take(); item !== undefined; item = heap.take()) items.push(item);
  return items;
}

describe("Heap", () => {
  test("gives what was added in its order", () => {
    assert(
      property(array(integer()), (values) => {
        const heap = new Heap<number>((a, b) => a < b);
        for (const value of values) heap.add(value);
        expect(emptied(heap)).toEqual(values.toSorted((a, b) => a - b));
      }),
    );
  });

  test("keeps its order when items are taken out of its middle", () => {
    assert(
      property(array(integer()), (values) => {
        const heap = new Heap<number>((a, b) => a < b);
        for (const value of values) heap.add(value);
        heap.retain((value) => value % 2 === 0);
        const expected = values.filter((value) => value % 2 === 0).toSorted((a, b) => a - b);
        expect(heap.size).toBe(expected.length);
        expect(emptied(heap)).toEqual(expected);
      }),
    );
  });

  test("is empty at first", () => {
    const heap = new Heap<number>((a, b) => a < b);
    expect([heap.size, heap.first, heap.take()]).toEqual([0, undefined, undefined]);
  });
});
