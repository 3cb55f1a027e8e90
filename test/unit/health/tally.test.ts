import { describe, expect, test } from "bun:test";
import { count, standingTally, unknownTally, type Tally } from "../../../src/health/tally.ts";

const limits = { rise: 2, fall: 3 };

/** Feeds results, `+` or `-`, and gives the verdict after each, as `u` or `d`, upper case where it is a change. */
function play(start: Tally, results: string): string {
  let tally = start;
  return results
    .split("")
    .map((result) => {
      const counted = count(tally, { isOk: result === "+", text: "" }, limits);
      tally = counted.tally;
      const letter = tally.isUp ? "u" : "d";
      return counted.change === null ? letter : letter.toUpperCase();
    })
    .join("");
}

describe("count", () => {
  test("takes the first result alone as the verdict when nothing is known", () => {
    expect(play(unknownTally, "-")).toBe("D");
    expect(play(unknownTally, "+")).toBe("U");
  });

  test("counts a server as up before its first result", () => {
    expect(unknownTally.isUp).toBe(true);
    expect(unknownTally.isKnown).toBe(false);
  });

  test("takes a server out after `fall` failures in a row", () => {
    expect(play(standingTally(true), "---")).toBe("uuD");
  });

  test("brings a server back after `rise` successes in a row", () => {
    expect(play(standingTally(false), "++")).toBe("dU");
  });

  test("begins counting anew when the run is broken", () => {
    expect(play(standingTally(true), "--+--+---")).toBe("uuuuuuuuD");
    expect(play(standingTally(false), "+-+-++")).toBe("dddddU");
  });

  test("reports no change while the verdict stands", () => {
    expect(play(standingTally(true), "++++")).toBe("uuuu");
    expect(play(standingTally(false), "----")).toBe("dddd");
  });

  test("follows rise and fall through a whole life", () => {
    expect(play(unknownTally, "+---++----+++")).toBe("UuuDdUuuDddUu");
  });

  test("says in the reason what was seen and how often", () => {
    const twice = count(
      standingTally(true),
      { isOk: false, text: "connection refused" },
      { rise: 1, fall: 2 },
    );
    const change = count(
      twice.tally,
      { isOk: false, text: "connection refused" },
      { rise: 1, fall: 2 },
    ).change;
    expect(change).toEqual({ isUp: false, reason: "connection refused, 2 times in a row" });
    const once = count(
      standingTally(false),
      { isOk: true, text: "status 200 in 3 ms" },
      { rise: 1, fall: 2 },
    );
    expect(once.change).toEqual({ isUp: true, reason: "status 200 in 3 ms" });
  });
});
