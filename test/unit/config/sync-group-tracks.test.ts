import { describe, expect, test } from "bun:test";
import { describePlan } from "../../../src/config/describe-plan.ts";
import { planNode } from "../../../src/config/plan.ts";
import { base, configOf, linesOf, vip } from "./expect-lines.ts";
import { vip2 } from "./fixtures.ts";

const tracks = `[[track]]
name = "uplink"
interface = "eth2"
[[track]]
name = "disk"
file = "/run/disk"
[[track]]
name = "gateway"
gateway = "10.16.8.1"
vips = ["inside"]
`;
const other = vip2.replace("191", "192");
const group = (more: string): string => `[[sync_group]]\nname = "g"\nvips = ["public", "inside"]\n${more}\n`;

const tracksOf = (text: string): readonly (readonly string[])[] => {
  const { vrrp } = planNode(configOf(base + text), "lb1", { cores: 1 });
  return vrrp.instances.map((instance) => instance.tracks);
};

describe("track of a [[sync_group]]", () => {
  test("concerns every member, beside what names a member or is named by it", () => {
    const named = vip.replace("vrid", 'track = ["disk"]\nvrid');
    expect(tracksOf(vip + other + tracks + group('track = ["uplink"]'))).toEqual([
      ["uplink"],
      ["uplink", "gateway"],
    ]);
    expect(tracksOf(named + other + tracks + group('track = ["uplink"]'))).toEqual([
      ["uplink", "disk"],
      ["uplink", "gateway"],
    ]);
    expect(tracksOf(vip + other + tracks + group("track = []"))).toEqual([[], ["gateway"]]);
  });

  test("left out leaves each member's tracks as they are", () => {
    expect(tracksOf(vip + other + tracks + group(""))).toEqual([
      ["uplink", "disk"],
      ["uplink", "disk", "gateway"],
    ]);
  });

  test("is told in the plan", () => {
    const plan = planNode(configOf(base + vip + other + tracks + group('track = ["uplink"]')), "lb1", {
      cores: 1,
    });
    expect(plan.vrrp.syncGroups).toEqual([
      { name: "g", instances: ["public", "inside"], tracks: ["uplink"], notify: null },
    ]);
    expect(describePlan(plan)).toContain("  g: public, inside; withdrawn while uplink fails\n");
  });

  test("is refused where there is no such track, and where the track leaves a member out", () => {
    const lines = linesOf(base + vip + other + tracks + group('track = ["uplnk", "gateway"]'));
    expect(lines.filter((line) => !line.includes("warning"))).toEqual([
      '35:10 sync_group "g".track[0]: there is no [[track]] named "uplnk"; did you mean "uplink"?',
      '35:19 sync_group "g".track[1]: the vips of [[track]] "gateway" do not have "public" among them; add "public" there, or remove the track here',
    ]);
  });
});
