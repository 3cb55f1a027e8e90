import { expect, test } from "bun:test";
import { later } from "../../../src/base/instant.ts";
import { groupedClock, groupMs } from "../../../src/health/grouped-clock.ts";
import { FakeClock } from "../../support/fake-clock.ts";

test("a grouped clock runs everything at its time or up to five milliseconds later, and never before", () => {
  const below = new FakeClock();
  const clock = groupedClock(below);
  const start = clock.now();
  const late: number[] = [];
  for (let after = 0; after < 100; after += 3) {
    const at = later(start, after);
    clock.schedule(at, () => late.push(clock.now() - at));
  }
  below.advance(200);
  expect(late).toHaveLength(34);
  expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...late)).toBeLessThanOrEqual(groupMs);
});

test("a grouped clock runs what is due earlier first, whatever was scheduled first", () => {
  const below = new FakeClock();
  const clock = groupedClock(below);
  const order: number[] = [];
  for (const after of [90, 10, 50]) clock.schedule(later(clock.now(), after), () => order.push(after));
  below.advance(100);
  expect(order).toEqual([10, 50, 90]);
});

test("what is cancelled does not run, also when it was due at the same moment", () => {
  const below = new FakeClock();
  const clock = groupedClock(below);
  const ran: string[] = [];
  const at = later(clock.now(), 10);
  clock.schedule(at, () => {
    ran.push("first");
    cancel();
  });
  const cancel = clock.schedule(at, () => ran.push("second"));
  below.advance(50);
  expect(ran).toEqual(["first"]);
});

test("an action may schedule the next one, also for a moment that has passed", () => {
  const below = new FakeClock();
  const clock = groupedClock(below);
  let count = 0;
  const again = (): void => {
    count += 1;
    if (count < 5) clock.schedule(clock.now(), again);
  };
  again();
  below.advance(100);
  expect(count).toBe(5);
});
