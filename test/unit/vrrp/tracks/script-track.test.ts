import { describe, expect, test } from "bun:test";
import type { ScriptTrackPlan } from "../../../../src/config/track-plan.ts";
import { instancePlan, vrrpPlan } from "../../../support/vrrp-plans.ts";
import { fakeCluster } from "../vrrp-pair.ts";

const plan: ScriptTrackPlan = {
  kind: "script",
  name: "uplink",
  command: ["/bin/check"],
  user: null,
  weight: -50,
  reverse: false,
  intervalMs: 1000,
  timeoutMs: 500,
  rise: 1,
  fall: 1,
  jitterMs: 0,
};

/** Gives when the script was started, in milliseconds from the start of the process. */
async function startsOf(jitterMs: number): Promise<readonly number[]> {
  const tracks = [{ ...plan, jitterMs }];
  const { machines, clock } = fakeCluster([vrrpPlan([instancePlan({ tracks: ["uplink"] })], { tracks })]);
  const [lb1] = machines;
  if (lb1 === undefined) throw new Error("no machine");
  lb1.start();
  const starts: number[] = [];
  for (let elapsedMs = 0; elapsedMs < 20_000; elapsedMs += 10) {
    while (starts.length < lb1.machine.ran.length) starts.push(elapsedMs);
    // The run's result comes by a promise.
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    clock.advance(10);
  }
  return starts;
}

describe("a tracked script", () => {
  test("is started at every interval", async () => {
    const starts = await startsOf(0);
    expect(starts.slice(0, 4)).toEqual([0, 1000, 2000, 3000]);
  });

  test("with jitter is started at once, and up to that much later than an interval from then on", async () => {
    const starts = await startsOf(500);
    const gaps = starts.slice(1).map((at, index) => at - (starts[index] ?? 0));
    expect(starts[0]).toBe(0);
    expect(gaps.length).toBeGreaterThan(10);
    expect(gaps.every((gap) => gap >= 1000 && gap <= 1510)).toBe(true);
    expect(new Set(gaps).size).toBeGreaterThan(5);
  });
});
