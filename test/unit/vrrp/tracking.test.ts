import { describe, expect, test } from "bun:test";
import {
  type Burden,
  fileBurden,
  fileValue,
  freshTally,
  type Standing,
  tally,
  weighClaim,
} from "../../../src/vrrp/tracking.ts";

const rule = { rise: 2, fall: 3 };

function after(results: readonly boolean[], isAdopted = false): boolean {
  return results.reduce((current, result) => tally(current, rule, result), freshTally(isAdopted)).isUp;
}

describe("tally", () => {
  test("counts as up before the first result", () => {
    expect(after([])).toBe(true);
  });

  test("takes the first result at its word", () => {
    expect(after([false])).toBe(false);
    expect(after([true])).toBe(true);
  });

  test("waits for the whole fall when adopted", () => {
    expect(after([false, false], true)).toBe(true);
    expect(after([false, false, false], true)).toBe(false);
  });

  test("goes down after `fall` failures in a row, not before", () => {
    expect(after([true, false, false])).toBe(true);
    expect(after([true, false, false, true, false, false])).toBe(true);
    expect(after([true, false, false, false])).toBe(false);
  });

  test("comes up after `rise` successes in a row, not before", () => {
    expect(after([false, true])).toBe(false);
    expect(after([false, true, false, true])).toBe(false);
    expect(after([false, true, true])).toBe(true);
  });
});

const clean: Standing = { basePriority: 100, source: "192.0.2.10", cutOff: null, burdens: [] };
const burden = (name: string, weight: number | null): Burden => ({ name, weight, reason: `${name} fails` });
const priorityOf = (standing: Standing): number | null => {
  const { claim } = weighClaim(standing);
  return claim.kind === "standing" ? claim.priority : null;
};

describe("weighClaim", () => {
  test("stands with the base priority when nothing speaks against it", () => {
    expect(weighClaim(clean)).toEqual({
      claim: { kind: "standing", priority: 100, source: "192.0.2.10" },
      claims: [],
    });
  });

  test("adds weights up, each burden once, and lists the reasons", () => {
    const burdens = [burden("a", -10), burden("b", -20), burden("a", -10)];
    expect(priorityOf({ ...clean, burdens })).toBe(70);
    expect(weighClaim({ ...clean, burdens }).claims).toEqual(["a fails: −10", "b fails: −20"]);
  });

  test("keeps the priority between 1 and 254", () => {
    expect(priorityOf({ ...clean, burdens: [burden("a", -253)] })).toBe(1);
    expect(priorityOf({ ...clean, burdens: [burden("a", 253)] })).toBe(254);
  });

  test("leaves the owner at 255", () => {
    expect(priorityOf({ ...clean, basePriority: 255, burdens: [burden("a", -50)] })).toBe(255);
  });

  test("is withdrawn by a burden without weight", () => {
    const weighed = weighClaim({ ...clean, burdens: [burden("a", -1), burden("b", null)] });
    expect(weighed.claim).toEqual({ kind: "withdrawn", reason: "b fails" });
    expect(weighed.claims).toEqual(["a fails: −1", "b fails: claim withdrawn"]);
  });

  test("is cut off without a usable interface or a source, whatever else", () => {
    const cutOff = "interface eth0 has no carrier";
    expect(weighClaim({ ...clean, cutOff, burdens: [burden("b", null)] }).claim).toEqual({
      kind: "cut-off",
      reason: cutOff,
    });
    expect(weighClaim({ ...clean, source: null }).claim.kind).toBe("cut-off");
  });
});

describe("fileValue", () => {
  test("reads a whole number with space around it", () => {
    expect(["7\n", " -12 ", "+3"].map((text) => fileValue(text))).toEqual(
      [7, -12, 3].map((value) => ({ value, complaint: null })),
    );
  });

  test("counts no file as 0, without a word", () => {
    expect(fileValue(null)).toEqual({ value: 0, complaint: null });
  });

  test("counts anything else as 0, with a complaint", () => {
    expect(fileValue("")).toEqual({ value: 0, complaint: "is empty: counted as 0" });
    for (const text of ["on", "1.5", "1 2", "0x10", "9999999999"]) {
      const complaint = `says "${text}", which is no whole number: counted as 0`;
      expect(fileValue(text)).toEqual({ value: 0, complaint });
    }
  });
});

const added = (weight: number, value: number): number | null | undefined =>
  fileBurden({ name: "load", path: "/run/load", weight }, value)?.weight;

describe("fileBurden", () => {
  test("adds the number times the weight", () => {
    expect(added(1, -20)).toBe(-20);
    expect(added(-2, 60)).toBe(-120);
    expect(added(3, 10)).toBe(30);
    expect(added(254, -1)).toBe(null);
  });

  test("speaks neither for nor against a claim with 0", () => {
    expect([added(0, 0), added(5, 0)]).toEqual([undefined, undefined]);
  });

  test("withdraws the claim below −253, and adds at most 253", () => {
    expect([added(-1, 253), added(-1, 254), added(1, 1000)]).toEqual([-253, null, 253]);
  });

  test("withdraws the claim with every number but 0 without a weight", () => {
    expect([added(0, 1), added(0, -1)]).toEqual([null, null]);
  });

  test("says what the file says", () => {
    const burden = fileBurden({ name: "load", path: "/run/load", weight: -1 }, 20);
    const burdens = burden === null ? [] : [burden];
    expect(weighClaim({ ...clean, burdens }).claims).toEqual(["track load: /run/load says 20: −20"]);
  });
});
