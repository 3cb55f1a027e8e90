import { describe, expect, test } from "bun:test";
import {
  changesBelow,
  describeMacvlan,
  putBack,
  settingProblem,
  settingsBefore,
} from "../../../src/kernel/macvlan-settings.ts";

type Values = Readonly<Record<string, string>>;

function changes(all: Values, own: Values): readonly unknown[] {
  return changesBelow((where, key) => (where === "all" ? all : own)[key] ?? "0").map(({ key, value }) => [
    key,
    value,
  ]);
}

describe("the settings of a virtual MAC", () => {
  test("the interface below is kept from answering and from asking in the name of the address", () => {
    expect(changes({}, {})).toEqual([
      ["arp_ignore", "1"],
      ["arp_announce", "2"],
    ]);
  });

  test("what does already stays, whether it was said for the interface or for all", () => {
    expect(changes({ arp_ignore: "1" }, { arp_announce: "2" })).toEqual([]);
    expect(changes({}, { arp_ignore: "8", arp_announce: "1" })).toEqual([["arp_announce", "2"]]);
    // 3 answers for addresses of other interfaces, as long as their scope is not the host.
    expect(changes({}, { arp_ignore: "3", arp_announce: "2" })).toEqual([["arp_ignore", "1"]]);
  });

  test("a description carries what there was, and nothing else is read as one", () => {
    const before = [
      { key: "arp_ignore", value: "0" },
      { key: "arp_announce", value: "1" },
    ];
    const text = describeMacvlan(51, before);
    expect(text).toBe("edge-ha virtual router 51, below was arp_ignore=0 arp_announce=1");
    expect(settingsBefore(text)).toEqual(before);
    expect(describeMacvlan(51, [])).toBe("edge-ha virtual router 51");
    const strange = [
      "uplink",
      "below was arp_ignore=0",
      "edge-ha virtual router 51, below was ../arp_ignore=7",
    ];
    for (const none of [null, describeMacvlan(51, []), ...strange]) expect(settingsBefore(none)).toEqual([]);
  });

  test("what somebody else has changed meanwhile is not put back", () => {
    const before = settingsBefore(describeMacvlan(1, [{ key: "arp_ignore", value: "0" }]));
    expect(putBack(before, () => "1")).toEqual(before);
    expect(putBack(before, () => "2")).toEqual([]);
  });

  test("a setting of the whole host that no other can make up for is a problem with a name", () => {
    expect(settingProblem(() => "0")).toBeNull();
    expect(settingProblem((key) => (key === "arp_filter" ? "1" : "0"))).toContain("arp_filter");
    expect(settingProblem((key) => (key === "arp_ignore" ? "3" : "0"))).toContain("all.arp_ignore = 3");
  });
});
