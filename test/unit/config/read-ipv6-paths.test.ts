import { describe, expect, test } from "bun:test";
import { describePlan } from "../../../src/config/describe-plan.ts";
import type { VrrpInstancePlan } from "../../../src/config/node-plan.ts";
import { planNode } from "../../../src/config/plan.ts";
import { configOf, linesOf } from "./expect-lines.ts";

/** A cluster with IPv6 on two interfaces; lb2 has a link-local address in the file as well. */
const nodes = `[cluster]
name = "shop"
[[node]]
name = "lb1"
address = { eth1 = ["10.0.0.10", "fd00::10/64"], eth2 = ["172.16.8.10", "2001:db8::10/64"] }
[[node]]
name = "lb2"
address = { eth1 = ["10.0.0.11", "fd00::11/64"], eth2 = ["172.16.8.11", "2001:db8::11/64"] }
`;
const linkLocal = nodes
  .replace('"2001:db8::10/64"', '"2001:db8::10/64", "fe80::10"')
  .replace('"2001:db8::11/64"', '"2001:db8::11/64", "fe80::11"');
const vip = `[[vip]]
name = "v6"
address = "2001:db8::100/64"
prefer = ["lb1", "lb2"]
`;
const router = `[[vrrp]]
name = "v6"
interface = "eth2"
vrid = 51
priority = { lb1 = 150, lb2 = 100 }
addresses = ["fe80::100/64", "2001:db8::100/64"]
`;

function first(text: string, node = "lb1"): VrrpInstancePlan {
  const [instance] = planNode(configOf(text), node, { cores: 1 }).vrrp.instances;
  if (instance === undefined) throw new Error("no instance");
  return instance;
}

const sources = (text: string): readonly (string | null)[] =>
  ["lb1", "lb2"].map((node) => first(text, node).source);

describe("unicast over IPv6", () => {
  test("goes between the nodes' addresses in the file, link-local ones before others", () => {
    const global = `${nodes}${vip}peers = "unicast"\n`;
    expect(sources(global)).toEqual(["2001:db8::10", "2001:db8::11"]);
    expect(first(global)).toMatchObject({
      unicast: { ttl: null, checksSource: true },
      peers: [{ name: "lb2", address: "2001:db8::11" }],
      neighbours: [{ node: "lb2", address: "2001:db8::11" }],
    });
    const near = `${linkLocal.replace('"shop"', '"shop"\npeers = "unicast"')}${vip}`;
    expect(sources(near)).toEqual(["fe80::10", "fe80::11"]);
    expect(first(near, "lb2").peers).toEqual([{ name: "lb1", address: "fe80::10" }]);
    const text = describePlan(planNode(configOf(near), "lb1", { cores: 1 }));
    expect(text).toContain("every 1s from fe80::10 to fe80::11;");
  });

  test("takes a list of peers, and the source that they can answer to", () => {
    const global = `${router}peers = ["2001:db8::10", "2001:db8::11", "2001:db8::12"]\nunicast_ttl = 64\n`;
    for (const file of [nodes, linkLocal]) {
      expect(first(file + global)).toMatchObject({
        source: "2001:db8::10",
        unicast: { ttl: { min: 64, max: 255 } },
        peers: [
          { name: "lb2", address: "2001:db8::11" },
          { name: "2001:db8::12", address: "2001:db8::12" },
        ],
      });
    }
    const near = `${router}peers = ["fe80::10", "fe80::11", "fe80::12"]\n`;
    // The node finds its own, as it does where it is multicast.
    expect(sources(nodes + near)).toEqual([null, null]);
    expect(sources(linkLocal + near)).toEqual(["fe80::10", "fe80::11"]);
    const given = `${near}source = { lb1 = "fe80::10", lb2 = "2001:db8::11" }\n`;
    expect(sources(nodes + given)).toEqual(["fe80::10", "2001:db8::11"]);
  });

  test("refuses what cannot work, with the place", () => {
    const without = nodes.replace(', "2001:db8::11/64"', "");
    expect(linesOf(`${without}${vip}interface = "eth2"\npeers = "unicast"\n`)).toEqual([
      '14:9 vip "v6".peers: [[node]] "lb2" has no IPv6 address on "eth2", which its peers would speak to; add it to eth2 in its [node.address], or write peers = "multicast"',
    ]);
    const above = without.replace('"shop"', '"shop"\npeers = "unicast"');
    const second = vip.replace('"v6"', '"v6-2"').replace("::100", "::101");
    expect(linesOf(`${above}${vip}interface = "eth2"\n${second}interface = "eth2"\n`)).toEqual([
      '3:9 cluster.peers: [[node]] "lb2" has no IPv6 address on "eth2", which its peers would speak to; add it to eth2 in its [node.address], or write peers = "multicast"',
    ]);
    expect(linesOf(`${without}${router}peers = ["2001:db8::10", "2001:db8::12"]\n`)).toEqual([
      '15:9 vrrp "v6".peers: [[node]] "lb2" has no IPv6 address on "eth2" that its peers could answer to; add it to eth2 in its [node.address], or write source',
    ]);
    const list = `${nodes}${router}peers = ["2001:db8::10", "2001:db8::11"]\n`;
    expect(linesOf(`${list}source = { lb1 = "172.16.8.10" }\n`)).toEqual([
      '16:10 vrrp "v6".source: 172.16.8.10 is IPv4, and these addresses are IPv6; leave source out, or write an IPv6 address of the interface',
    ]);
    expect(linesOf(`${list}source = { lb1 = "2001:db8::66" }\n`).join("\n")).toContain(
      '16:10 vrrp "v6".source: 2001:db8::66 is no address of [[node]] "lb1" on eth2: other routers would see a stranger',
    );
    expect(linesOf(`${list}group6 = "ff02::12"\n`)).toEqual([
      '16:10 vrrp "v6".group6: advertisements go to each of the peers, and to no group; remove it, or write peers = "multicast"',
    ]);
  });
});

describe("heartbeats over IPv6", () => {
  test("know every node by its source on the router's own interface", () => {
    for (const file of [`${linkLocal}${vip}`, `${linkLocal}${vip}peers = "unicast"\n`]) {
      expect(first(`${file}heartbeats = ["eth1"]\n`)).toMatchObject({
        source: "fe80::10",
        heartbeats: [
          {
            interface: "eth1",
            source: "fd00::10",
            peers: [{ name: "lb2", address: "fd00::11", identity: "fe80::11" }],
          },
        ],
      });
    }
    const global = `${nodes}${vip}peers = "unicast"\nheartbeats = ["eth1"]\n`;
    expect(first(global).heartbeats).toMatchObject([
      { source: "fd00::10", peers: [{ address: "fd00::11", identity: "2001:db8::11" }] },
    ]);
  });

  test("are the cluster's for the routers of both families", () => {
    const both = `${linkLocal.replace('"shop"', '"shop"\nheartbeats = ["eth1"]')}${vip}[[vip]]
name = "v4"
address = "172.16.8.100/24"
prefer = ["lb1", "lb2"]
`;
    const { instances } = planNode(configOf(both), "lb1", { cores: 1 }).vrrp;
    expect(instances.map(({ heartbeats }) => heartbeats[0]?.source)).toEqual(["fd00::10", "10.0.0.10"]);
    expect(instances.map(({ source }) => source)).toEqual(["fe80::10", "172.16.8.10"]);
  });

  test("need the link-local addresses in the file, or unicast, and an IPv6 address on their interface", () => {
    expect(linesOf(`${nodes}${vip}heartbeats = ["eth1"]\n`)).toEqual(
      ["lb1", "lb2"].map(
        (node) =>
          `13:14 vip "v6".heartbeats: [[node]] "${node}" has no link-local address on "eth2", by which the others know it on heartbeats; add it to eth2 in its [node.address], as in eth2 = ["fe80::10", …], or write heartbeats = []`,
      ),
    );
    expect(
      linesOf(`${nodes}${router}peers = ["fe80::10", "fe80::11"]\nheartbeats = ["eth1"]\n`),
    ).toHaveLength(2);
    // The cluster's heartbeat is this router's own interface.
    expect(linesOf(nodes.replace('"shop"', '"shop"\nheartbeats = ["eth2"]') + vip)).toEqual([]);
    const without = linkLocal.replace(', "fd00::11/64"', "");
    expect(linesOf(`${without}${vip}heartbeats = ["eth1"]\n`)).toEqual([
      '13:15 vip "v6".heartbeats[0]: [[node]] "lb2" has no IPv6 address on "eth1"; add eth1 with its address to [node.address], or use one of "eth1", "eth2"',
    ]);
  });
});
