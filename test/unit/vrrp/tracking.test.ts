import { describe, expect, test } from "bun:test";
import {
  type Burden,
  fileBurden,
  fileValue,
  freshTally,
  serversSight,
  type Standing,
  tally,
  verdictBurden,
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

const down = { isUp: false, text: "exit status 1" };
const up = { isUp: true, text: "exit status 0" };
const effect = (weight: number, reverse = false): Parameters<typeof verdictBurden>[0] => ({
  name: "t",
  weight,
  reverse,
});

describe("verdictBurden", () => {
  test("lowers while it fails, with the reason", () => {
    expect(verdictBurden(effect(-10), down)).toEqual({
      name: "track t",
      weight: -10,
      reason: "track t: exit status 1",
    });
    expect(verdictBurden(effect(-10), up)).toBeNull();
  });

  test("raises while it is well", () => {
    expect(verdictBurden(effect(10), up)).toMatchObject({ weight: 10, reason: "track t: exit status 0" });
    expect(verdictBurden(effect(10), down)).toBeNull();
  });

  test("withdraws the claim while it fails without a weight", () => {
    expect(verdictBurden(effect(0), down)).toMatchObject({ weight: null });
    expect(verdictBurden(effect(0), up)).toBeNull();
  });

  test("turns round in reverse", () => {
    expect(verdictBurden(effect(-10, true), up)).toMatchObject({ weight: -10 });
    expect(verdictBurden(effect(-10, true), down)).toBeNull();
    expect(verdictBurden(effect(10, true), down)).toMatchObject({ weight: 10 });
    expect(verdictBurden(effect(0, true), up)).toMatchObject({ weight: null });
  });

  test("means nothing while nothing is known", () => {
    for (const weight of [-10, 0, 10]) expect(verdictBurden(effect(weight), null)).toBeNull();
  });
});

const server = (probe: string | null): { address: string; port: number; probe: string | null } => ({
  address: "10.0.0.1",
  port: 80,
  probe,
});

const see = (probes: readonly (string | null)[], atLeast: number): ReturnType<typeof serversSight> => {
  const known: Readonly<Record<string, boolean>> = { up: true, down: false };
  const track = { subject: "service web", servers: probes.map(server), atLeast };
  return serversSight(track, (probe) => known[probe] ?? null);
};

describe("serversSight", () => {
  test("counts those that are up or not checked", () => {
    expect(see(["up", "down"], 1)).toEqual({ isUp: true, text: "service web has 1 of 2 servers healthy" });
    expect(see(["down", null], 1)?.isUp).toBe(true);
    expect(see(["down", "down"], 1)).toEqual({
      isUp: false,
      text: "service web has 0 of 2 servers healthy",
    });
    expect(see(["up", "down"], 2)).toEqual({
      isUp: false,
      text: "service web has 1 of 2 servers healthy, 2 are wanted",
    });
  });

  test("says nothing while those it does not know of could decide", () => {
    expect(see(["?", "down"], 1)).toBeNull();
    expect(see(["?", "?"], 2)).toBeNull();
    expect(see(["up", "?"], 1)?.isUp).toBe(true);
    expect(see(["down", "?"], 2)?.isUp).toBe(false);
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
