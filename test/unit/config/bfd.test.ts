import { describe, expect, test } from "bun:test";
import { describePlan } from "../../../src/config/describe-plan.ts";
import { planNode } from "../../../src/config/plan.ts";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import { base, configOf, linesOf, vip } from "./expect-lines.ts";
import { vip2 } from "./fixtures.ts";

const watched = base.replace("vrrp_version = 2\n", 'bfd = { interval = "50ms" }\n');
const own = (value: string): string => `${base}${vip}bfd = ${value}\n`;
const planOf = (text: string, node = "lb1"): VrrpPlan => planNode(configOf(text), node, { cores: 1 }).vrrp;

describe("bfd of a cluster", () => {
  test("makes one session for each pair of nodes and interface", () => {
    const session = { intervalMs: 50, minReceiveMs: 50, multiplier: 3 };
    const { bfd, instances } = planOf(
      watched +
        vip +
        vip2 +
        vip2.replace("inside", "more").replace("10.16.8.100", "10.16.8.101").replace("191", "192"),
    );
    expect(bfd).toEqual([
      { name: "lb2/eth2", interface: "eth2", source: "172.16.8.10", peer: "172.16.8.11", ...session },
      { name: "lb2/eth1", interface: "eth1", source: "10.16.8.10", peer: "10.16.8.11", ...session },
    ]);
    const addresses = ["10.16.8.11", "172.16.8.11"];
    expect(instances.map(({ rivals }) => rivals)).toEqual([
      [{ sessions: ["lb2/eth2"], addresses, priority: 250 }],
      [{ sessions: ["lb2/eth1"], addresses, priority: 250 }],
      [{ sessions: ["lb2/eth1"], addresses, priority: 250 }],
    ]);
  });

  test("is the same session from both ends", () => {
    const [one] = planOf(watched + vip, "lb1").bfd;
    const [other] = planOf(watched + vip, "lb2").bfd;
    expect(other).toMatchObject({ name: "lb1/eth2", source: one?.peer ?? "", peer: one?.source ?? "" });
  });

  test("can be left out of one router, or be there alone", () => {
    expect(planOf(`${watched}${vip}bfd = false\n`).bfd).toEqual([]);
    const alone = `${base}${vip}bfd = { interval = "20ms", multiplier = 5 }\n`;
    expect(planOf(alone).bfd).toMatchObject([{ intervalMs: 20, multiplier: 5 }]);
    expect(planOf(base + vip).bfd).toEqual([]);
  });

  test("uses IPv6 where a node has no IPv4 address", () => {
    const only6 = watched.replace('eth2 = "172.16.8.11"', 'eth2 = "2001:db8::11"');
    const both = only6.replace('eth2 = "172.16.8.10"', 'eth2 = ["172.16.8.10", "2001:db8::10"]');
    const vipOn = vip.replace("prefer", 'interface = "eth2"\nprefer');
    expect(planOf(both + vipOn).bfd).toMatchObject([{ source: "2001:db8::10", peer: "2001:db8::11" }]);
    expect(linesOf(only6 + vipOn)).toContain(
      '3:7 cluster.bfd: "lb1" and "lb2" have no addresses of one family on eth2 and eth2; give both an IPv4 address in [node.address], or write bfd = false here',
    );
  });

  test("is one session on each path for routers of both families, heartbeats or not", () => {
    const both = watched
      .replace(
        'bfd = { interval = "50ms" }',
        'bfd = { interval = "50ms" }\nvrrp_version = 3\nheartbeats = ["eth1", "eth2"]',
      )
      .replace('"10.16.8.10"', '["10.16.8.10", "fe80::1:10"]')
      .replace('"10.16.8.11"', '["10.16.8.11", "fe80::1:11"]')
      .replace('"172.16.8.10"', '["172.16.8.10", "2001:db8::10/64", "fe80::2:10"]')
      .replace('"172.16.8.11"', '["172.16.8.11", "2001:db8::11/64", "fe80::2:11"]');
    const public6 = vip.replace('"public"', '"public6"').replace("172.16.8.100/24", "2001:db8::100/64");
    const inside = vip2.replace("191", "192");
    const { bfd } = planOf(both + vip + public6 + inside);
    expect(bfd.map(({ name, source, peer }) => [name, source, peer])).toEqual([
      ["lb2/eth2", "172.16.8.10", "172.16.8.11"],
      ["lb2/eth1", "10.16.8.10", "10.16.8.11"],
    ]);
  });

  test("is told in the plan", () => {
    const text = describePlan(planNode(configOf(watched + vip), "lb1", { cores: 1 }));
    expect(text).toContain("watched by BFD\n  lb2/eth2: 172.16.8.11 on eth2 from 172.16.8.10, 3 × 50ms");
    expect(text).toContain("follows lb2/eth2 by BFD");
  });
});

describe("bfd that makes no sense", () => {
  test("is refused with what to write", () => {
    expect(linesOf(own('{ interval = "1ms" }'))).toEqual([
      '17:20 vip "public".bfd.interval: "1ms" is not between 10ms and 1m; write interval = "100ms"',
    ]);
    expect(linesOf(own("{ multiplier = 0 }"))).toEqual([
      '17:22 vip "public".bfd.multiplier: 0 is not between 1 and 255; write multiplier = 3',
    ]);
    expect(linesOf(own("true"))).toEqual([
      '17:7 vip "public".bfd: true says nothing about how fast; write bfd = { interval = "100ms", multiplier = 3 }',
    ]);
    expect(linesOf(own("3"))).toEqual([
      '17:7 vip "public".bfd: must be a table, not 3; write bfd = { interval = "100ms", multiplier = 3 }',
    ]);
    expect(linesOf(own("{ intervall = 1 }"))).toEqual([
      '17:9 vip "public".bfd.intervall: unknown key; did you mean "interval"?',
    ]);
  });

  test("is refused if two routers want another pace of one session", () => {
    const other = vip2.replace("10.16.8.100", "172.16.8.101").replace("vrid = 191", "vrid = 192");
    expect(linesOf(`${watched}${vip}${other}bfd = { interval = "20ms" }\n`)).toEqual([
      '22:7 vip "inside".bfd: "lb1" has one BFD session lb2/eth2 for all virtual routers and heartbeats, and line 3 gives it another pace; write the same interval and multiplier in both',
    ]);
  });

  test("is refused if a heartbeat and a router want another pace of one session, or another end of it", () => {
    const beside = `${vip}heartbeats = ["eth1"]\nbfd = { interval = "50ms" }\n`;
    const inside = vip2.replace('"inside"', '"inside-1"').replace("191", "192");
    expect(linesOf(`${base}${beside}${inside}bfd = { interval = "20ms" }\n`)).toEqual([
      '24:7 vip "inside-1".bfd: "lb1" has one BFD session lb2/eth1 for all virtual routers and heartbeats, and line 18 gives it another pace; write the same interval and multiplier in both',
    ]);
    expect(linesOf(`${base}${beside}${inside}bfd = { interval = "50ms" }\n`)).toEqual([]);
    const three = base.replace('"172.16.8.11" }', '"172.16.8.11", eth3 = "10.16.8.21" }');
    const crossed = beside.replace('["eth1"]', '[{ lb1 = "eth1", lb2 = "eth3" }]');
    expect(linesOf(`${three}${crossed}${inside}interface = "eth1"\nbfd = { interval = "50ms" }\n`)).toEqual([
      '25:7 vip "inside-1".bfd: "lb1" has one BFD session lb2/eth1 for all virtual routers and heartbeats, and it is with 10.16.8.11 for "inside-1" and with 10.16.8.21 for "public"; name the same interfaces of the nodes in both, or write bfd = false in one',
    ]);
  });

  test("is refused between nodes that are in different networks", () => {
    const apart = base
      .replace('eth2 = "172.16.8.10"', 'eth2 = "172.16.8.10/24"')
      .replace('"172.16.8.11"', '"172.16.9.11/24"');
    const text = apart + vip.replace("prefer", 'interface = "eth2"\nprefer') + "bfd = {}\n";
    expect(linesOf(text)).toContain(
      '18:7 vip "public".bfd: 172.16.9.11 is not in the network of "lb1" on eth2 ("172.16.8.10/24"): BFD goes one hop only, so the session never comes up; write bfd = false here',
    );
  });

  test("is warned of if advertisements are missed sooner", () => {
    expect(linesOf(own('{ interval = "1s" }'))).toEqual([
      '17:7 vip "public".bfd: warning: 3s of silence is no sooner than the 3s after which advertisements are missed; write a shorter interval, such as "100ms", or leave bfd out',
    ]);
  });
});
