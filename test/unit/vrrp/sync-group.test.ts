import { describe, expect, test } from "bun:test";
import { instant, later } from "../../../src/base/instant.ts";
import type { Election } from "../../../src/vrrp/election-types.ts";
import {
  followingMember,
  groupEvent,
  groupStanding,
  mayClaim,
  sharedBurdens,
} from "../../../src/vrrp/sync-group.ts";
import type { Standing } from "../../../src/vrrp/tracking.ts";
import { ElectionCase } from "./election-cases.ts";

const at = instant(60_000);
const clean: Standing = { basePriority: 100, source: "192.0.2.10", cutOff: null, burdens: [] };

describe("groupStanding", () => {
  test("withdraws a member while another is cut off, and says which", () => {
    const standing = { ...clean, cutOff: "interface eth1 has no carrier" };
    expect(groupStanding("VG_1", clean, [{ name: "inside-1", standing }]).burdens).toEqual([
      {
        name: "member inside-1",
        weight: null,
        reason: "sync group VG_1: inside-1: interface eth1 has no carrier",
      },
    ]);
  });

  test("shares the members' burdens, so that all networks see the same order of nodes", () => {
    const burden = { name: "track uplink", weight: -10, reason: "track uplink fails" };
    const standing = { ...clean, burdens: [burden] };
    expect(groupStanding("VG_1", clean, [{ name: "inside-1", standing }]).burdens).toEqual([burden]);
  });

  test("keeps a member's own cut", () => {
    const own = { ...clean, cutOff: "interface eth0 is down" };
    expect(groupStanding("VG_1", own, [{ name: "inside-1", standing: clean }]).cutOff).toBe(own.cutOff);
  });
});

describe("sharedBurdens", () => {
  test("names the group in the reasons of its own tracks, and leaves the members' as they are", () => {
    const own = { name: "track disk", weight: null, reason: "track disk: full" };
    const shared = { name: "track uplink", weight: -10, reason: "track uplink: exit status 1" };
    const group = { name: "VG_1", tracks: ["uplink"] };
    expect(sharedBurdens(group, [own, shared]).map(({ reason }) => reason)).toEqual([
      "track disk: full",
      "sync group VG_1: track uplink: exit status 1",
    ]);
    expect(sharedBurdens(null, [shared])).toEqual([shared]);
  });
});

const backup = (priority: number): Election => new ElectionCase().startup().advert(100, priority).election;

describe("followingMember", () => {
  test("names a backup whose active router outranks it and is alive", () => {
    const election = backup(200);
    expect(followingMember([{ name: "inside-1", election }], at)).toBeNull();
    expect(followingMember([{ name: "inside-1", election }], later(at, -9000))).toBe("inside-1");
  });

  test("passes over a backup that hears a lower priority, priority 0 or nothing", () => {
    const soon = later(at, -9000);
    for (const election of [backup(50), backup(0), new ElectionCase().startup().election]) {
      expect(followingMember([{ name: "inside-1", election }], soon)).toBeNull();
    }
  });

  test("passes over a backup that is held back itself, until it hears somebody again", () => {
    const soon = later(at, -9000);
    const run = new ElectionCase()
      .startup()
      .advert(100, 200)
      .feed({ kind: "hold", at: later(at, -9500) });
    expect(followingMember([{ name: "inside-1", election: run.election }], soon)).toBeNull();
    const { election } = run.advert(600, 200);
    expect(followingMember([{ name: "inside-1", election }], later(run.start, 700))).toBe("inside-1");
  });

  test("passes over active members", () => {
    const { election } = new ElectionCase().becomeActive();
    expect(followingMember([{ name: "inside-1", election }], later(at, -9000))).toBeNull();
  });
});

describe("groupEvent", () => {
  const active = new ElectionCase().becomeActive().election;
  const outranked = new ElectionCase().becomeActive().advert(4000, 200).election;

  test("makes the others lead when a member has become active", () => {
    const event = groupEvent("VG_1", { name: "public-1", election: active }, "backup", at);
    expect(event).toEqual({ kind: "lead", at, reason: "sync group VG_1: public-1 became active" });
  });

  test("makes the others yield when a member was outranked", () => {
    const event = groupEvent("VG_1", { name: "public-1", election: outranked }, "active", at);
    expect(event).toMatchObject({ kind: "yield" });
  });

  test("says nothing about a start, an end or a fault", () => {
    const started = new ElectionCase().startup().election;
    expect(groupEvent("VG_1", { name: "public-1", election: started }, "initialize", at)).toBeNull();
    const fault = new ElectionCase().startup({ kind: "withdrawn", reason: "x" }).election;
    expect(groupEvent("VG_1", { name: "public-1", election: fault }, "active", at)).toBeNull();
  });
});

describe("mayClaim", () => {
  const silent = new ElectionCase().startup().advert(100, 200).election;
  const resigned = new ElectionCase().startup().advert(100, 0).election;

  test("waits out a silence while another member follows a live router", () => {
    expect(mayClaim(silent, "inside-1")).toBe(false);
    expect(mayClaim(silent, null)).toBe(true);
  });

  test("does not wait when the active router resigned", () => {
    expect(mayClaim(resigned, "inside-1")).toBe(true);
  });
});
