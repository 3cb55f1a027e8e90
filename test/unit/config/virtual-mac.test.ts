import { describe, expect, test } from "bun:test";
import { describePlan } from "../../../src/config/describe-plan.ts";
import type { VrrpInstancePlan } from "../../../src/config/node-plan.ts";
import { advertisedAddressPlans } from "../../../src/config/plan-holdings.ts";
import { planNode } from "../../../src/config/plan.ts";
import { virtualMac, virtualMacLinkName } from "../../../src/config/virtual-mac.ts";
import { base, configOf, linesOf, vip } from "./expect-lines.ts";
import { vip2 } from "./fixtures.ts";

const own = `virtual_mac = true\n`;

function instancesOf(text: string, node = "lb1"): readonly VrrpInstancePlan[] {
  return planNode(configOf(text), node, { cores: 1 }).vrrp.instances;
}

function refusal(value: string): readonly string[] {
  return linesOf(`${base + vip}virtual_mac = ${value}\n`);
}

describe("the names of a virtual MAC", () => {
  test("the MAC follows from the family and the VRID", () => {
    expect([virtualMac(4, 51), virtualMac(6, 255), virtualMac(4, 1)]).toEqual([
      "00:00:5e:00:01:33",
      "00:00:5e:00:02:ff",
      "00:00:5e:00:01:01",
    ]);
  });

  test("the interface is named after the router, within fifteen bytes", () => {
    expect(virtualMacLinkName(4, 51, "eth0")).toBe("vrrp4-51-eth0");
    expect(virtualMacLinkName(6, 255, "ens18")).toBe("vrrp6-255-ens18");
    const long = ["enp3s0f0", "enp3s0f1", "eth1.100"].map((below) => virtualMacLinkName(4, 255, below));
    expect(new Set(long).size).toBe(3);
    expect(long.every((name) => /^vrrp4-255-[a-z0-9]{5}$/.test(name))).toBe(true);
  });
});

describe("readConfig on virtual_mac", () => {
  test("the addresses of the router live on an interface of its own, on every node", () => {
    const text = base + vip + own;
    expect(linesOf(text)).toEqual([]);
    for (const node of ["lb1", "lb2"]) {
      expect(instancesOf(text, node)).toMatchObject([
        {
          interface: "eth2",
          virtualMac: "vrrp4-191-eth2",
          addresses: [{ address: "172.16.8.100", length: 32, interface: "vrrp4-191-eth2" }],
        },
      ]);
    }
  });

  test("an address in a network that the interface below is not in brings its route", () => {
    const text = base + vip + own + 'addresses = ["203.0.113.1/28"]\n';
    const [first] = instancesOf(text);
    expect(first?.addresses.map(({ length }) => length)).toEqual([32, 28]);
  });

  test("an IPv6 router keeps the network of its link-local address there, which is every interface's own", () => {
    const nodes = base.replaceAll(
      /"172\.16\.8\.1(.)"/g,
      '["172.16.8.1$1", "2001:db8::1$1/64", "fe80::1$1/64"]',
    );
    const config = configOf(nodes + vip + own);
    const [router] = config.instances;
    const [member] = router?.members ?? [];
    if (router === undefined || member === undefined) throw new Error("there is no router");
    const addresses = [
      { address: "fe80::200:5eff:fe00:2bf", length: 64 },
      { address: "2001:db8::100", length: 64 },
    ];
    const six = { ...router, family: 6, addresses } as const;
    expect(advertisedAddressPlans(config.nodes, six, member)).toMatchObject([
      { address: "fe80::200:5eff:fe00:2bf", length: 64, interface: "vrrp6-191-eth2" },
      { address: "2001:db8::100", length: 128, interface: "vrrp6-191-eth2" },
    ]);
  });

  test("[cluster] says it for all, and a router otherwise or by another name", () => {
    const all = base.replace("vrrp_version = 2", "virtual_mac = true");
    expect(instancesOf(all + vip + vip2).map((plan) => plan.virtualMac)).toEqual([
      "vrrp4-191-eth2",
      "vrrp4-191-eth1",
    ]);
    const text = all + vip + "virtual_mac = false\n" + vip2 + 'virtual_mac = "inside"\n';
    expect(instancesOf(text).map((plan) => plan.virtualMac)).toEqual([null, "inside"]);
    expect(instancesOf(text)[0]?.addresses).toMatchObject([{ length: 24, interface: "eth2" }]);
  });

  test("check --plan says where the addresses live and with which MAC", () => {
    const plan = planNode(configOf(base + vip + own), "lb1", { cores: 1 });
    expect(describePlan(plan)).toContain(
      "public: 172.16.8.100/32 on vrrp4-191-eth2 (00:00:5e:00:01:bf) above eth2, VRID 191",
    );
  });

  test("anything but yes, no and the name of an interface is refused", () => {
    const remedy = 'write virtual_mac = true, or the name of its interface, as in virtual_mac = "vrrp51"';
    expect(refusal("1")).toEqual([
      `17:15 vip "public".virtual_mac: must be true, false or an interface name, not 1; ${remedy}`,
    ]);
    expect(refusal('"0123456789abcdef"')[0]).toContain("must be true, false or an interface name");
    const inCluster = base.replace("vrrp_version = 2", 'virtual_mac = "vrrp51"') + vip;
    expect(linesOf(inCluster)).toEqual([
      '3:15 cluster.virtual_mac: must be true or false, not "vrrp51"; write virtual_mac = true',
    ]);
  });

  test("two routers cannot share a name, nor take that of an interface of the node", () => {
    const named = 'virtual_mac = "outer"\n';
    expect(linesOf(base + vip + named + vip2 + named)).toEqual([
      `23:15 vip "inside".virtual_mac: outer is the interface of [[vip]] "public" already, in line 12; write another name, as in virtual_mac = "vrrp51"`,
    ]);
    expect(linesOf(base + vip + 'virtual_mac = "eth1"\n')).toEqual([
      `17:15 vip "public".virtual_mac: eth1 is an interface of [[node]] "lb1" already; write another name, or virtual_mac = true`,
    ]);
  });

  test("an address owner cannot have one", () => {
    const owner = `[[vrrp]]
name = "gateway"
interface = "eth2"
vrid = 51
priority = { lb1 = 255, lb2 = 100 }
addresses = ["172.16.8.10"]
`;
    const what =
      "the address of an owner (priority 255) is the interface's own, which answers with its own MAC";
    expect(linesOf(base + owner)).toEqual([]);
    expect(linesOf(base + owner + own)[0]).toStartWith(`18:15 vrrp "gateway".virtual_mac: ${what}`);
    const inherited = base.replace("vrrp_version = 2", "virtual_mac = true") + owner;
    expect(linesOf(inherited)[0]).toStartWith(`16:12 vrrp "gateway".priority: ${what}`);
  });
});
