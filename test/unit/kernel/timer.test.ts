import { afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { instant, type Instant } from "../../../src/base/instant.ts";
import { PreciseTimer } from "../../../src/kernel/timer.ts";
import { buildAddon } from "../../support/native-addon.ts";

const fromNow = (ms: number): Instant => instant(performance.now() + ms);
let timer: PreciseTimer;

beforeAll(buildAddon);
beforeEach(() => {
  timer = PreciseTimer.open();
});
afterEach(() => timer.close());

test("set() never calls before its time", async () => {
  for (let count = 0; count < 40; count++) {
    const at = fromNow(count / 10);
    const calledAt = await new Promise<number>((resolve) => timer.set(at, () => resolve(performance.now())));
    expect(calledAt).toBeGreaterThanOrEqual(at);
  }
});

test("set() calls for a time that has passed, even before the clock began", async () => {
  await new Promise<void>((resolve) => timer.set(fromNow(-1000), resolve));
  await new Promise<void>((resolve) => timer.set(instant(-1e15), resolve));
});

test("set() replaces what was set before", async () => {
  const calls: string[] = [];
  timer.set(fromNow(5), () => calls.push("first"));
  await new Promise<void>((resolve) => {
    timer.set(fromNow(20), () => {
      calls.push("second");
      resolve();
    });
  });
  expect(calls).toEqual(["second"]);
});

test("clear() forgets what was set, also when it has expired already", async () => {
  timer.set(fromNow(2), () => {
    throw new Error("must not be called");
  });
  const start = performance.now();
  while (performance.now() < start + 5);
  timer.clear();
  await new Promise<void>((resolve) => timer.set(fromNow(10), resolve));
});
