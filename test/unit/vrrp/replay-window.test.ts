import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { nextStamp, ReplayWindow, stampOf } from "../../../src/vrrp/replay-window.ts";

const noon = Date.UTC(2026, 10, 21, 12);
const timed = { windowMs: 30_000 };
const monotonic = { windowMs: null };
const from = (sender: string, wallMs: number): { sender: string; stamp: bigint } => {
  return { sender, stamp: stampOf(wallMs) };
};

function kindOf(window: ReplayWindow, sender: string, sentMs: number, heardMs = sentMs): string {
  return window.admit(timed, from(sender, sentMs), heardMs).kind;
}

describe("ReplayWindow", () => {
  test("admits what is newer than the last of its sender, once", () => {
    const window = new ReplayWindow();
    expect(kindOf(window, "a", noon)).toBe("fresh");
    expect(kindOf(window, "a", noon)).toBe("replayed");
    expect(kindOf(window, "a", noon + 10)).toBe("fresh");
    expect(kindOf(window, "a", noon, noon + 20)).toBe("replayed");
    expect(kindOf(window, "a", noon + 10, noon + 20)).toBe("replayed");
  });

  test("admits senders whose clocks differ, interleaved", () => {
    const window = new ReplayWindow();
    for (let ms = 0; ms < 1000; ms += 100) {
      expect(kindOf(window, "a", noon + ms, noon + ms)).toBe("fresh");
      expect(kindOf(window, "b", noon + ms - 20_000, noon + ms)).toBe("fresh");
    }
  });

  test("refuses what is further from our clock than the window, in either direction, and says how far", () => {
    const window = new ReplayWindow();
    for (const skewMs of [-30_001, 30_001, 3_600_000, -3_600_000]) {
      const result = window.admit(timed, from("a", noon + skewMs), noon);
      expect(result.kind).toBe("stale");
      if (result.kind === "stale") expect(Math.abs(result.skewMs - skewMs)).toBeLessThan(1);
    }
    expect(kindOf(window, "a", noon - 30_000, noon)).toBe("fresh");
    expect(kindOf(window, "a", noon + 30_000, noon)).toBe("fresh");
  });

  test("remembers nothing of what it refuses", () => {
    const window = new ReplayWindow();
    expect(kindOf(window, "a", noon + 3_600_000, noon)).toBe("stale");
    expect(kindOf(window, "a", noon)).toBe("fresh");
    expect(kindOf(window, "a", noon - 1000, noon)).toBe("replayed");
    expect(kindOf(window, "a", noon + 1)).toBe("fresh");
  });

  test("goes on when both clocks were set back together by more than the window", () => {
    const window = new ReplayWindow();
    expect(kindOf(window, "a", noon + 3_600_000)).toBe("fresh");
    expect(kindOf(window, "a", noon)).toBe("fresh");
    expect(kindOf(window, "a", noon)).toBe("replayed");
  });

  test("keeps the 32 senders heard last", () => {
    const window = new ReplayWindow();
    const senders = Array.from({ length: 32 }, (_, index) => `sender ${index}`);
    for (const sender of senders) expect(kindOf(window, sender, noon)).toBe("fresh");
    expect(kindOf(window, "sender 0", noon + 1)).toBe("fresh");
    expect(kindOf(window, "another", noon)).toBe("fresh");
    for (const sender of ["sender 0", ...senders.slice(2), "another"]) {
      expect(kindOf(window, sender, noon)).toBe("replayed");
    }
    expect(kindOf(window, "sender 1", noon)).toBe("fresh");
  });

  test("does not look at the clock in monotonic mode", () => {
    const window = new ReplayWindow();
    const admit = (sentMs: number): string => window.admit(monotonic, from("a", sentMs), noon).kind;
    expect([0, 1000, 999, 1000, noon, noon - 1].map(admit)).toEqual([
      "fresh",
      "fresh",
      "replayed",
      "replayed",
      "fresh",
      "replayed",
    ]);
  });

  test("RFC 1982: goes on past the end of the seconds, in either mode", () => {
    const end = 2 ** 32 * 1000;
    for (const rules of [timed, monotonic]) {
      const window = new ReplayWindow();
      const kinds = [-1000, -1, 0, 1, 1000].map(
        (ms) => window.admit(rules, from("a", end + ms), end + ms).kind,
      );
      expect(kinds).toEqual(["fresh", "fresh", "fresh", "fresh", "fresh"]);
      expect(window.admit(rules, from("a", end - 1), end + 1000).kind).toBe("replayed");
    }
  });

  test("RFC 1982: takes neither of two that are half the circle apart for later", () => {
    const window = new ReplayWindow();
    expect(window.admit(monotonic, { sender: "a", stamp: 0n }, noon).kind).toBe("fresh");
    expect(window.admit(monotonic, { sender: "a", stamp: 2n ** 63n }, noon).kind).toBe("replayed");
  });

  test("never admits a stamp twice, whatever comes between within the window", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.nat(20_000))), (events) => {
        const window = new ReplayWindow();
        const admitted = new Set<string>();
        for (const [sender, ms] of events) {
          if (kindOf(window, sender, noon + ms, noon) !== "fresh") continue;
          expect(admitted.has(`${sender} ${ms}`)).toBe(false);
          admitted.add(`${sender} ${ms}`);
        }
      }),
    );
  });
});

describe("nextStamp", () => {
  test("is the time of day in seconds, 65536ths and a counter", () => {
    expect(nextStamp(null, 0x68000000 * 1000 + 500, 30_000)).toBe(0x68000000_8000_0000n);
  });

  test("increases with every advertisement of the same moment, and carries into the time", () => {
    expect(nextStamp(stampOf(noon), noon, 30_000)).toBe(stampOf(noon) + 1n);
    const full = stampOf(noon) | 0xffffn;
    expect(nextStamp(full, noon, 30_000)).toBe((stampOf(noon) & ~0xffffn) + 0x10000n);
    expect(nextStamp(2n ** 64n - 1n, 2 ** 32 * 1000 - 1, 30_000)).toBe(0n);
  });

  test("still increases when the clock was set back a little", () => {
    expect(nextStamp(stampOf(noon), noon - 20_000, 30_000)).toBe(stampOf(noon) + 1n);
  });

  test("follows the clock when it was set back by more than peers allow", () => {
    expect(nextStamp(stampOf(noon), noon - 40_000, 30_000)).toBe(stampOf(noon - 40_000));
    expect(nextStamp(stampOf(noon), noon - 40_000, Infinity)).toBe(stampOf(noon) + 1n);
  });
});
