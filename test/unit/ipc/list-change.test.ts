import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { changedList, listChange } from "../../../src/ipc/list-change.ts";

const items = Array.from({ length: 12 }, (_, id) => ({ id }));
const [a, b, c, d] = items;

test("a list that stayed is one run of the old one, and what is new comes between", () => {
  if (!a || !b || !c || !d) throw new Error("too few");
  expect(listChange([a, b, c], [a, b, c])).toEqual([{ from: 0, count: 3 }]);
  const changed = { id: 99 };
  expect(listChange([a, b, c, d], [a, changed, c, d])).toEqual([
    { from: 0, count: 1 },
    { items: [changed] },
    { from: 2, count: 2 },
  ]);
  expect(listChange([a, b], [])).toEqual([]);
});

test("the new list comes out at the other end, whatever became of the old one, and what stayed is the same object", () => {
  const list = fc.uniqueArray(fc.constantFrom(...items));
  fc.assert(
    fc.property(list, list, (before, after) => {
      const change = JSON.parse(JSON.stringify(listChange(before, after))) as ReturnType<
        typeof listChange<{ id: number }>
      >;
      const made = changedList(before, change);
      expect(made).toEqual(after);
      for (const [index, item] of after.entries()) if (before.includes(item)) expect(made[index]).toBe(item);
    }),
  );
});
