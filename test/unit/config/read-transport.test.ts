import { describe, expect, test } from "bun:test";
import { describePlan } from "../../../src/config/describe-plan.ts";
import type { VrrpInstancePlan } from "../../../src/config/node-plan.ts";
import { planNode } from "../../../src/config/plan.ts";
import { base, configOf, linesOf, vip } from "./expect-lines.ts";
import { vip2 as inside } from "./fixtures.ts";

const vip2 = inside.replace("191", "192");
const router = `[[vrrp]]
name = "foreign"
interface = "eth1"
vrid = 51
priority = { lb1 = 150, lb2 = 100 }
addresses = ["10.16.8.200/24"]
`;
const lone = router.replace("{ lb1 = 150, lb2 = 100 }", "{ lb1 = 150 }");

function inCluster(line: string): string {
  return base.replace("vrrp_version = 2", line);
}

function instances(text: string, node: string): readonly VrrpInstancePlan[] {
  return planNode(configOf(text), node, { cores: 1 }).vrrp.instances;
}

function first(text: string, node = "lb1"): VrrpInstancePlan {
  const [instance] = instances(text, node);
  if (instance === undefined) throw new Error("no instance");
  return instance;
}

function inVip(heartbeats: string): string {
  return linesOf(`${base}${vip}heartbeats = ${heartbeats}\n`).join("\n");
}

function described(text: string): string {
  return describePlan(planNode(configOf(text), "lb1", { cores: 1 }));
}

describe("unicast", () => {
  test("derives the peers from the other members' addresses on the same interface", () => {
    for (const text of [inCluster('peers = "unicast"') + vip, `${base}${vip}peers = "unicast"\n`]) {
      const { unicast, peers, source } = first(text);
      expect(unicast).toEqual({ ttl: null, checksSource: true });
      expect([source, peers]).toEqual(["172.16.8.10", [{ name: "lb2", address: "172.16.8.11" }]]);
      expect(first(text, "lb2").peers).toEqual([{ name: "lb1", address: "172.16.8.10" }]);
    }
    expect(first(`${inCluster('peers = "unicast"')}${vip}peers = "multicast"\n`).unicast).toBeNull();
    const sources = `${base}${router}source = { lb1 = "10.16.8.10", lb2 = "10.16.8.11" }\npeers = "unicast"\n`;
    expect(first(sources).peers).toEqual([{ name: "lb2", address: "10.16.8.11" }]);
  });

  test("knows the other members where it is multicast, too", () => {
    expect(first(base + vip)).toMatchObject({
      unicast: null,
      peers: [{ name: "lb2", address: "172.16.8.11" }],
      heartbeats: [],
    });
  });

  test("takes a list of peers, of which each node leaves its own address out", () => {
    const text = `${base}${router}peers = ["10.16.8.10", "10.16.8.11", "203.0.113.9"]\nunicast_ttl = 250\ncheck_source = false\n`;
    expect(first(text)).toMatchObject({
      unicast: { ttl: { min: 250, max: 255 }, checksSource: false },
      peers: [
        { name: "lb2", address: "10.16.8.11" },
        { name: "203.0.113.9", address: "203.0.113.9" },
      ],
    });
    expect(first(text, "lb2").peers.map(({ address }) => address)).toEqual(["10.16.8.10", "203.0.113.9"]);
    const each = `${base}${router}peers = { lb1 = ["203.0.113.9"], lb2 = ["203.0.113.8"] }\nunicast_ttl = { min = 60, max = 64 }\n`;
    expect(first(each).peers.map(({ address }) => address)).toEqual(["203.0.113.9"]);
    expect(first(each, "lb2").peers.map(({ address }) => address)).toEqual(["203.0.113.8"]);
    expect(first(each).unicast?.ttl).toEqual({ min: 60, max: 64 });
  });

  test("shows up in the plan", () => {
    const text = `${base}${router}peers = ["10.16.8.11", "203.0.113.9"]\nunicast_ttl = 250\n`;
    expect(described(text)).toContain(
      " from 10.16.8.10 to 10.16.8.11, 203.0.113.9 (TTL 250 to 255 accepted);",
    );
  });

  test("refuses what makes no sense, with the place", () => {
    const cases: readonly (readonly [string, string])[] = [
      [
        'peers = "unicast"',
        'peers: only "lb1" takes part, so there is nobody to send to; list the others, as in peers = ["192.0.2.11"], or write peers = "multicast"',
      ],
      [
        'peers = ["10.16.8.10"]',
        'peers: names nobody for "lb1" to send to; add the addresses of the other routers',
      ],
      [
        'peers = ["10.16.8.11", "10.16.8.200"]',
        "peers[1]: 10.16.8.200 is virtual, and moves; write the other router's own address",
      ],
      ["peers = []", 'peers: is an empty list; write peers = ["192.0.2.11", "192.0.2.12"]'],
      ['peers = "broadcast"', 'peers: must be one of "multicast", "unicast", not "broadcast"'],
      [
        'peers = { lb2 = ["10.16.8.10"] }',
        'peers.lb2: "lb2" takes no part in this router; remove it, or let the node take part',
      ],
      ['peers = ["lb2"]', "peers[0]: "],
      [
        "unicast_ttl = 250",
        'unicast_ttl: it concerns unicast peers, and this router speaks by multicast; remove it, or write peers = "unicast"',
      ],
      ["check_source = false", "check_source: it concerns unicast peers"],
    ];
    for (const [line, complaint] of cases) {
      const key = complaint.split(":")[0] ?? "";
      const lines = linesOf(`${base}${lone}${line}\n`).filter((each) => each.includes(`"foreign".${key}`));
      expect(lines.join("\n")).toContain(`"foreign".${complaint}`);
    }
  });

  test("refuses a group beside it, and ranges that are none", () => {
    expect(linesOf(`${base}${router}peers = ["10.16.8.11", "10.16.8.10"]\ngroup = "224.0.0.19"\n`)).toEqual([
      '19:9 vrrp "foreign".group: advertisements go to each of the peers, and to no group; remove it, or write peers = "multicast"',
    ]);
    const ttl = (value: string): readonly string[] =>
      linesOf(`${base}${router}peers = ["10.16.8.11", "10.16.8.10"]\nunicast_ttl = ${value}\n`);
    expect(ttl("{ min = 252, max = 250 }")[0]).toContain("unicast_ttl: 252 to 250 is no range");
    expect(ttl("256")[0]).toContain("unicast_ttl: 256 is not between 1 and 255");
    expect(ttl("{ min = 0 }")[0]).toContain("unicast_ttl.min: 0 is not between 1 and 255");
    expect(ttl('"64"')[0]).toContain("unicast_ttl: must be a table");
  });
});

describe("heartbeats", () => {
  const both = inCluster('heartbeats = ["eth1", "eth2"]');

  test("are the cluster's, but for a router's own interface", () => {
    const text = both + vip + vip2;
    expect(first(text).heartbeats).toEqual([
      {
        interface: "eth1",
        source: "10.16.8.10",
        peers: [{ name: "lb2", address: "10.16.8.11", identity: "172.16.8.11" }],
      },
    ]);
    expect(instances(text, "lb2").map((each) => each.heartbeats.map(({ interface: on }) => on))).toEqual([
      ["eth1"],
      ["eth2"],
    ]);
  });

  test("are a router's own if it says so, also on interfaces that differ by node", () => {
    expect(first(`${both}${vip}heartbeats = []\n`).heartbeats).toEqual([]);
    const text = `${base.replace('eth1 = "10.16.8.11"', 'ens3 = "10.16.8.11"')}${vip}heartbeats = [{ lb1 = "eth1", lb2 = "ens3" }]\n`;
    expect(first(text, "lb2").heartbeats).toEqual([
      {
        interface: "ens3",
        source: "10.16.8.11",
        peers: [{ name: "lb1", address: "10.16.8.10", identity: "172.16.8.10" }],
      },
    ]);
  });

  test("show up in the plan", () => {
    expect(described(`${base}${vip}heartbeats = ["eth1"]\n`)).toContain(
      "  heartbeat on eth1 from 10.16.8.10 to 224.0.0.18; hears lb2 at 10.16.8.11",
    );
    expect(described(`${base}${vip}heartbeats = ["eth1"]\npeers = "unicast"\n`)).toContain(
      "  heartbeat on eth1 from 10.16.8.10 to 10.16.8.11; hears lb2 at 10.16.8.11",
    );
  });

  test("carry the router's VRID, so that another cannot have it there", () => {
    const text = both + vip.replace("191", "51") + router;
    expect(linesOf(text)[0]).toContain('"foreign".vrid: 51 on eth1 is already the VRID of [[vip]] "public"');
    const derived = `${both}${vip.replace("vrid = 191\n", "")}${vip2.replace("vrid = 192\n", "")}`;
    expect(instances(derived, "lb1").map(({ vrid }) => vrid)).toEqual([100, 101]);
  });

  test("are refused where they make no sense, with the place", () => {
    expect(inVip('["eth2"]')).toBe(
      '17:15 vip "public".heartbeats[0]: "eth2" is the router\'s own interface; name another one',
    );
    expect(inVip('["eth1", "eth1"]')).toBe(
      '17:23 vip "public".heartbeats[1]: "eth1" is already in the list; remove it here',
    );
    expect(inVip('["eth7"]')).toContain(
      'heartbeats[0]: [[node]] "lb1" has no IPv4 address on "eth7"; add eth7 with',
    );
    expect(inVip('[{ lb1 = "eth1" }]')).toContain(
      'heartbeats[0]: names no interface for "lb2"; add lb2 = "eth1"',
    );
    expect(inVip('[{ lb1 = "eth1", lb9 = "eth1" }]')).toContain(
      'heartbeats[0].lb9: there is no [[node]] named "lb9"',
    );
    expect(inVip('"eth1"')).toContain("heartbeats: must be a list of interfaces");
    expect(linesOf(`${base}${lone}heartbeats = ["eth2"]\n`)).toEqual([
      '18:14 vrrp "foreign".heartbeats: only "lb1" takes part, so there is nobody to hear; remove it, or let another node take part',
    ]);
  });

  test("of the cluster are refused once, however many routers there are", () => {
    const text = inCluster('heartbeats = ["eth7"]') + vip + vip2;
    expect(linesOf(text).filter((line) => line.includes("heartbeats"))).toHaveLength(2);
  });

  test("by keepalived operators' guess of a name are put right", () => {
    expect(linesOf(`${base}${vip}heartbeat = ["eth1"]\n`)[0]).toContain('did you mean "heartbeats"?');
  });
});
