import { describe, expect, test } from "bun:test";
import { planNode } from "../../../src/config/plan.ts";
import { base, configOf, linesOf, vip } from "./expect-lines.ts";

const version3 = base.replace("vrrp_version = 2", "virtual_mac = true");
const strict = `${vip}strict = true\n`;
const owned = `[[vrrp]]\nname = "own"\ninterface = "eth1"\nvrid = 7\npriority = { lb1 = 255, lb2 = 100 }\naddresses = ["10.16.8.10/24"]\nstrict = true\npreempt = false\nvirtual_mac = false\n`;

describe("strict = true", () => {
  test("has nothing against a router that keeps to its RFC, which accepts nothing", () => {
    expect(linesOf(version3 + strict)).toEqual([]);
    const { vrrp } = planNode(configOf(version3 + strict), "lb1", { cores: 1 });
    expect(vrrp.instances[0]).toMatchObject({ isStrict: true, accepts: false });
  });

  test.each([
    ['peers = "unicast"', "advertisements go to a multicast group (§5.1.1.2), not to peers"],
    ['group = "224.0.0.99"', "the group is 224.0.0.18 (§5.1.1.2), not 224.0.0.99"],
    [
      `auth = { type = "hmac", keys = { 1 = "hex:${"0123456789abcdef".repeat(4)}" } }`,
      "there is no authentication (§9)",
    ],
    ['heartbeats = ["eth1"]', "a virtual router speaks on its own network alone"],
    ["down_after = 5", "an active router is gone after 3 intervals (§6.1), not 5"],
    ['preempt_delay = "5s"', "preemption has no delay (§6.1), let alone 5s"],
    ["bfd = {}", "nobody claims before three intervals of silence (§6.4.2), as BFD would have it"],
  ])("refuses %s", (text, why) => {
    const [key = ""] = text.split(" ");
    const lines = linesOf(version3 + strict + text).filter((line) =>
      line.includes("strict = true in line 17"),
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]).toStartWith(
      `18:1 vip "public".${key}: strict = true in line 17 keeps to RFC 9568: ${why}; `,
    );
    expect(lines[0]).toEndWith(", or strict = false");
  });

  test("refuses an owner that does not preempt", () => {
    expect(linesOf(version3 + owned)).toEqual([
      '19:1 vrrp "own".preempt: strict = true in line 18 keeps to RFC 9568: the owner of the addresses (priority 255) always preempts (§6.1); write preempt = true, or strict = false',
    ]);
  });

  test("refuses a password and Accept_Mode in version 2, and wants a virtual MAC", () => {
    const lines = linesOf(`${base}${strict}auth = { type = "pass", password = "x" }\naccept = true\n`);
    expect(lines).toEqual([
      '17:10 vip "public".strict: warning: RFC 3768 has a virtual router answer from a MAC of its own (§7.3), and this one answers from the interface\'s; write virtual_mac = true',
      '18:1 vip "public".auth: strict = true in line 17 keeps to RFC 3768: there is no authentication but type 0 (§5.3.6); remove it, or strict = false',
      '19:1 vip "public".accept: strict = true in line 17 keeps to RFC 3768: nobody but the owner accepts packets to the addresses (§6.4.3); remove it, or strict = false',
    ]);
  });

  test("names what [cluster] says once, where it stands, however many routers follow it", () => {
    const cluster = version3.replace("[[node]]", "strict = true\ndown_after = 4\n[[node]]");
    const second = vip
      .replace('"public"', '"other"')
      .replace("172.16.8.100", "172.16.8.101")
      .replace("191", "192");
    expect(linesOf(cluster + vip + second)).toEqual([
      "5:1 cluster.down_after: strict = true in line 4 keeps to RFC 9568: an active router is gone after 3 intervals (§6.1), not 4; write down_after = 3, or strict = false",
    ]);
  });
});
