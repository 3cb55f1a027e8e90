import { expect, test } from "bun:test";
import { silentLog } from "../../../../src/base/log.ts";
import { DelayedVerdict } from "../../../../src/vrrp/tracks/delayed-verdict.ts";
import type { TrackNeeds } from "../../../../src/vrrp/tracks/track.ts";

const effect = { name: "out", weight: 0, reverse: false };
const needs: Pick<TrackNeeds, "log" | "changed" | "host"> = {
  log: silentLog,
  changed: () => undefined,
  // Without delays no clock is asked.
  host: {} as TrackNeeds["host"],
};

test("DelayedVerdict passes on a reason that has changed, and what is the same does not count again", () => {
  const verdict = new DelayedVerdict({ ...effect, upDelayMs: 0, downDelayMs: 0 }, needs, null);
  expect(verdict.see({ isUp: false, text: "no route" })).toBe(true);
  expect(verdict.see({ isUp: false, text: "no route" })).toBe(false);
  expect(verdict.see({ isUp: false, text: "only through eth2" })).toBe(true);
  expect(verdict.burden()?.reason).toBe("track out: only through eth2");
});
