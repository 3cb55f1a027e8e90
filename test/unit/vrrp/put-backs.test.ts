import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { instant, later } from "../../../src/base/instant.ts";
import { countPutBack, type PutBackRecord, PutBacks } from "../../../src/vrrp/put-backs.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { recordingLog } from "../../support/recording-log.ts";

const start = instant(0);

describe("countPutBack", () => {
  test("lets a thing be put back at once four times, then after pauses that double up to half a minute", () => {
    let record: PutBackRecord | null = null;
    const pauses: number[] = [];
    for (let round = 0; round < 12; round++) {
      const at = record === null ? start : record.notBefore;
      record = countPutBack(record, at);
      pauses.push(record.notBefore - at);
    }
    expect(pauses).toEqual([0, 0, 0, 0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  test("begins anew with what has stayed for a minute", () => {
    const insisted: PutBackRecord = { count: 7, firstAt: start, lastAt: start, notBefore: start };
    expect(countPutBack(insisted, instant(60_000)).count).toBe(8);
    expect(countPutBack(insisted, instant(60_001))).toMatchObject({ count: 1, firstAt: instant(60_001) });
  });

  test("never puts one thing back more than six times within a second, however soon it is removed again", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40_000), { minLength: 1, maxLength: 200 }), (delays) => {
        let record: PutBackRecord | null = null;
        let at = start;
        const puts: number[] = [];
        for (const delay of delays) {
          const asked = later(at, delay);
          at = record !== null && record.notBefore > asked ? record.notBefore : asked;
          const before: PutBackRecord | null = record;
          record = countPutBack(record, at);
          puts.push(at);
          expect(record.notBefore).toBeGreaterThanOrEqual(at);
          expect(record.notBefore - at).toBeLessThanOrEqual(30_000);
          if (before !== null) expect([1, before.count + 1]).toContain(record.count);
        }
        // Five at once, and then one each second at the most.
        const busiest = puts.map((one) => puts.filter((other) => other >= one && other < one + 1000).length);
        expect(Math.max(...busiest)).toBeLessThanOrEqual(6);
      }),
    );
  });
});

describe("PutBacks", () => {
  test("divides what is missing by whether its time has come, and says when the next one's does", () => {
    const clock = new FakeClock();
    const { log, said: lines } = recordingLog();
    const putBacks = new PutBacks({ clock, log });
    const divide = (): ReturnType<typeof putBacks.divide<string>> =>
      putBacks.divide(["a", "b"], (key) => key);
    for (let round = 0; round < 5; round++) putBacks.count("a", "the a");
    expect(divide()).toEqual({ due: ["b"], next: later(clock.now(), 1000) });
    clock.advance(1000);
    expect(divide()).toEqual({ due: ["a", "b"], next: null });
    expect(lines.slice(0, 4)).toEqual(
      lines.slice(0, 4).map(() => "warning: the a was removed by someone else: put back"),
    );
    expect(lines[4]).toContain(
      "the a was removed by someone else 5 times in 0 s: put back, the next time not before 1 s",
    );
    // What nobody removes any more is forgotten.
    clock.advance(61_000);
    putBacks.count("b", "the b");
    expect(putBacks.notBefore("a")).toBeNull();
  });
});
