import { expect, test } from "bun:test";
import type { VrrpInstancePlan } from "../../../src/config/node-plan.ts";
import { adoptable } from "../../../src/supervisor/adoption.ts";

const plan = {
  instances: [{ name: "public-1", advertIntervalMs: 1_000, downAfter: 3 } as VrrpInstancePlan],
  syncGroups: [],
  drainTimeoutMs: 0,
  tracks: [],
  bfd: [],
  notify: null,
};

test("adoptable() names what the killed process held", () => {
  expect(adoptable(plan, ["public-1"], 900)).toEqual(["public-1"]);
});

test("adoptable() leaves out what it did not hold or what is not planned any more", () => {
  expect(adoptable(plan, [], 0)).toEqual([]);
  expect(adoptable(plan, ["public-2"], 0)).toEqual([]);
});

test("adoptable() leaves out what another node may have claimed while the process was frozen", () => {
  expect(adoptable(plan, ["public-1"], 5_000)).toEqual([]);
});
