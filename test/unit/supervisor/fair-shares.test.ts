import { expect, test } from "bun:test";
import { fairShares } from "../../../src/supervisor/fair-shares.ts";

const endless = Number.POSITIVE_INFINITY;

function shares(most: number, ...wanted: readonly number[]): readonly number[] {
  return fairShares(
    most,
    wanted.map((one) => ({ wanted: one })),
  );
}

test("what one does not want goes to the others, and what cannot be parted to the first", () => {
  expect(shares(10, endless, endless, endless)).toEqual([4, 3, 3]);
  expect(shares(10, 1, endless, endless)).toEqual([1, 5, 4]);
  expect(shares(10, 1, 2, 3)).toEqual([1, 2, 3]);
  expect(shares(1, 5, 5)).toEqual([1, 0]);
  expect(shares(10, 0, 50, 0)).toEqual([0, 10, 0]);
  expect(shares(2 ** 31 - 1, endless, 7)).toEqual([2 ** 31 - 8, 7]);
  expect([shares(0, 1), shares(3)]).toEqual([[0], []]);
});
