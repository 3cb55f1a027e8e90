import { afterEach, expect, test } from "bun:test";
import { Sweep } from "../../../src/proxy/sweep.ts";

let sweep: Sweep;
afterEach(() => sweep.close());

/** A sweep whose own timer is too slow to interfere, and the times at which it looked. */
function watched(): number[] {
  const looks: number[] = [];
  sweep = new Sweep(() => undefined);
  sweep.setTick(60_000);
  sweep.add({ sweep: () => looks.push(looks.length) });
  return looks;
}

test("a process that was held up hears what it has missed before it judges by the clock", () => {
  const looks = watched();
  const start = sweep.now;
  sweep.onTimer(start + 60_000);
  expect(looks).toHaveLength(1);
  sweep.onTimer(sweep.now + 200_000);
  expect(looks).toHaveLength(1);
  sweep.onTimer(sweep.now + 200_000);
  expect(looks).toHaveLength(2);
});
